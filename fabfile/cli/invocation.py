"""How every command is carried out: options are read, a Runner is made, and what goes wrong becomes an exit code.

Loads no more than it must: what a command needs is loaded when it is called.
"""

import gc
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fabric import Connection
from invoke.context import Context
from invoke.exceptions import Exit

from rr_config import Config, ConfigError, Options, load

from .exit_codes import FAILED, INTERRUPTED, WRONG
from .options import SECTION
from .settings import PASSWORD, read_options

if TYPE_CHECKING:
    from ..runner.observer import Observer
    from ..runner.runner import Runner
    from ..ui.console import Console


def _the_console(console: "Console", _: Config) -> "Observer":
    return console


def nobody(_: "Console", __: Config) -> "Observer":
    """An observer for what is shown otherwise."""
    from ..runner.observer import Observer

    return Observer()


def with_runner(
    context: Context,
    given: dict[str, Any],
    work: Callable[["Runner", "Console"], object],
    observer: Callable[["Console", Config], "Observer"] = _the_console,
    with_files: bool = False,
) -> None:
    """Do `work` with a Runner; the console observes it, unless what it does is shown in another way.

    `with_files` where the local files of components are needed.
    """
    from ..runner.runner import Runner
    from ..util.stages import StageError

    def story(console: "Console", options: Options) -> None:
        try:
            config = load(options, with_files)
        except KeyboardInterrupt:
            raise Exit("interrupted; no host has been touched", INTERRUPTED) from None
        with Runner(config, options, context.config, observer(console, config)) as runner:
            try:
                work(runner, console)
            except StageError as error:
                console.stage_failed(error, runner.limit_for(error))
                raise Exit(code=FAILED) from error
            except KeyboardInterrupt:
                signal.signal(signal.SIGINT, signal.SIG_IGN)  # once more is not to cut off what is said now
                if runner.observer is console:
                    console.interrupted(runner.running, runner.unknown, options, context.config)
                signal.signal(signal.SIGINT, signal.SIG_DFL)
                raise Exit(code=INTERRUPTED) from None

    execute(context, given, story)


def execute(context: Context, given: dict[str, Any], story: Callable[["Console", Options], None]) -> None:
    """Do what `story` says with the options that were given; a wrong one ends the program with a sentence."""
    if isinstance(context, Connection):
        raise Exit("-H/--hosts: leave it out; the hosts are those of the components in the config file", WRONG)
    if context.config.run.dry:
        raise Exit("-R/--dry: leave it out, but for `run`; what that would do, `plan` shows, too", WRONG)
    from ..ui.console import Console

    try:
        options = read_options(given, context.config.get(SECTION) or {})
        sys.dont_write_bytecode = True  # nothing is to appear beside what a config imports
        console = Console(options.log_level)
        if given["pass"] is not None:
            safer = f"give --prompt-for-login-password, or ${PASSWORD}"
            console.error(f"--pass: others can see it in the process list; {safer}")
        story(console, options)
    except ConfigError as error:
        raise Exit(str(error), WRONG) from error
    finally:
        gc.freeze()  # the end of the process frees all; to look through it for garbage first takes 30 ms
