"""The common part of all commands: read the options, create a Runner, and turn errors into exit codes.

To keep the start fast, functions import modules that only some commands need.
"""

import gc
import signal
import sys
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import attrs
from fabric import Connection
from invoke.context import Context
from invoke.exceptions import Exit

from rr_config import Config, ConfigError, Options, load
from rr_config.program import program

from .exit_codes import FAILED, INTERRUPTED, UNTOUCHED, WRONG
from .options import SECTION
from .settings import PASSWORD, read_options

if TYPE_CHECKING:
    from ..runner import State, Status
    from ..runner.observer import Observer
    from ..runner.runner import Runner
    from ..ui.console import Console
    from .hints import Summary


def _the_console(console: "Console", _: Config) -> "Observer":
    return console


def nobody(console: "Console", _: Config) -> "Observer":
    """Return an observer that only shows what is awaited, for a command that shows its result in another way."""
    return console.live


def with_runner(
    context: Context,
    given: dict[str, Any],
    command: str,
    work: Callable[["Runner", "Console"], object],
    observer: Callable[["Console", Config], "Observer"] = _the_console,
    with_files: bool = False,
) -> None:
    """Call `work` with a Runner and the console; end the program with an exit code if it fails.

    `command` is the name of the command, for the hint how to repeat it.

    `observer` returns the observer of the Runner, by default the console. `with_files` checks the local files of
    components, for commands that send them.
    """
    from ..runner.runner import Runner
    from ..ssh.terminal import guard
    from .hints import CommandLine, Summary

    def action(console: "Console", options: Options) -> None:
        states = chosen_states(given)
        config = load(options, with_files)
        options = options.with_assigned(config)
        console.set_level(options.log_level)
        guard()
        line = CommandLine(config, options, context.config, given)
        with Runner(config, options, context.config, observer(console, config)) as runner:
            end = Summary(command, runner, console, line, as_json=given.get("json", False))
            if states and command != "status":
                _finish(lambda: _on_chosen(states, given, work, end), end)
            else:
                _finish(lambda: work(runner, console), end)

    execute(context, given, command, action)


def chosen_states(given: Mapping[str, Any]) -> Collection["State"]:
    """Return the states that --state or --failed gives, if any. Raise ConfigError if they are invalid."""
    from ..runner import BAD, states_named

    if not given.get("failed"):
        return () if given.get("state") is None else states_named(given["state"])
    if given["state"] is not None:
        raise ConfigError("--failed: cannot be combined with --state; use --state failed,lost,unknown and others")
    return BAD


def _on_chosen(
    states: Collection["State"],
    given: dict[str, Any],
    work: Callable[["Runner", "Console"], object],
    end: "Summary",
) -> None:
    """Call `work` for the components in these states. Commands that continue or repeat it name the components."""
    runner, console = end.runner, end.console
    from ..util.text import counted

    every = len(runner.config.all_components())
    found = runner.select(states)
    chosen = runner.config.all_components()
    own = {name: value for name, value in given.items() if name not in ("failed", "state")}
    end.line = attrs.evolve(end.line, options=runner.options, own=own)
    if not chosen:
        none_chosen(given, found, console)
        return
    if runner.observer is console:
        console.news(f"selected {len(chosen):,} of {counted(every, 'component')}")
    work(runner, console)


def none_chosen(given: Mapping[str, Any], found: Sequence["Status"], console: "Console") -> None:
    """Say that no component has failed, and end the program, unless it still has to print a JSON document.

    Raise ConfigError for --state, because it is like a --limit that matches nothing.
    """
    if not given["failed"]:
        counts = Counter(each.state for each in found)
        states = ", ".join(f"{count:,} {state}" for state, count in counts.items())
        raise ConfigError(f"--state: no component is {given['state'].replace(',', ' or ')}; their states: {states}")
    if not given.get("json"):
        say = console.aside if console.ends_with_output else console.text  # `logs` prints only lines of components
        say("no component has failed\n")
        raise Exit(code=0)


def _finish(work: Callable[[], object], end: "Summary") -> None:
    """Call `work` and show how it ended. Raise Exit if it failed or was interrupted."""
    from ..util.stages import StageError

    try:
        work()
        end.show(None)
    except StageError as error:
        end.show(error)
        raise Exit(code=FAILED) from error
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not cut off the message
        end.show_interrupted()
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise Exit(code=INTERRUPTED) from None


def execute(
    context: Context, given: dict[str, Any], command: str, action: Callable[["Console", Options], None]
) -> None:
    """Call `action` with a console and the parsed options. Report an invalid option or config, and exit with WRONG."""
    if isinstance(context, Connection):
        raise Exit("-H/--hosts: not supported; the config file sets the hosts", WRONG)
    if context.config.run.dry:
        raise Exit(f"-R/--dry: supported only by `run` and `clean`; see: {program()} plan", WRONG)
    from ..ui.console import Console

    try:
        options = read_options(given, context.config.get(SECTION) or {})
        options.command = command  # config files can read it
        sys.dont_write_bytecode = True  # no __pycache__ beside modules that a config imports
        console = Console(options.log_level, given.get("json", False), given.get("verbose", False))
        if given["pass"] is not None:
            safer = f"use --prompt-for-login-password, or ${PASSWORD}"
            console.error(f"--pass: other users can see it in the process list; {safer}")
        action(console, options)
    except ConfigError as error:
        raise Exit(str(error), WRONG) from error
    except KeyboardInterrupt:  # while modules are loaded
        raise Exit(UNTOUCHED, INTERRUPTED) from None
    finally:
        gc.freeze()  # the garbage collection at exit would take 30 ms, and exit frees the memory anyway
