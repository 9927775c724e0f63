"""The commands `status`, `doctor`, `clean`, `muddlers` and `config --diff` in the terminal.

They watch, ask, and exit with FAILED if something is wrong.
"""

import os
import signal
import sys
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from invoke.exceptions import Exit

from rr_config import ConfigError, Options
from rr_config.loading import evaluated

from .exit_codes import FAILED
from .invocation import chosen_states, none_chosen
from .own_options import own_options

if TYPE_CHECKING:
    from ..runner.runner import Runner
    from ..runner.watch import Watch
    from ..ui.console import Console


def show_status(given: dict[str, Any], runner: "Runner", console: "Console") -> None:
    """Show the state of each component, with --watch again and again."""
    from ..runner.watch import WATCH_SECONDS, Look
    from ..ui.overview import in_order
    from ..ui.terminal import is_screen
    from ..ui.views import show_statuses

    _check_table(given)
    states = chosen_states(given)
    console.ends_with_output = given["watch"]
    if given["watch"] and is_screen(sys.stdout):
        _watch(given, console, runner.watch(states))
        return
    while True:
        statuses = runner.status(states=states)
        if states and not statuses and not given["watch"]:
            none_chosen(given, runner.status() if given["state"] else [], console)
        look = in_order(Look(runner.clock.now(), statuses, runner.foreign), given["sort"] or given["group"])
        show_statuses(console, look, as_json=given["json"], is_whole=given["all"], group=given["group"])
        if not given["watch"]:
            break
        runner.clock.sleep(WATCH_SECONDS)
    if any(each.state.is_bad for each in statuses):
        raise Exit(code=FAILED)


def _check_table(given: dict[str, Any]) -> None:
    """Raise ConfigError if --sort or --group is invalid."""
    problems: list[str] = []
    for option in own_options("status"):
        if option.name in ("group", "sort"):
            problems += option.problems(given[option.name])
    if given["group"] and given["json"]:
        problems.append("--group: cannot be combined with --json, which has an entry for each component")
    if problems:
        raise ConfigError(*problems)


def _watch(given: dict[str, Any], console: "Console", watch: "Watch") -> None:
    """Show look after look on the alternate screen of the terminal, until Ctrl-C or another signal ends it."""
    from ..ui.overview import in_order
    from ..ui.views import show_look

    def suspend() -> None:
        console.leave_screen()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)  # `fg` goes on here
        signal.signal(signal.SIGTSTP, handler)

    def end(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    handlers = {
        signal.SIGWINCH: lambda *_: watch.call(lambda: None),
        signal.SIGTSTP: lambda *_: watch.call(suspend),
        signal.SIGTERM: end,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        for look in watch.looks():
            show_look(
                console, in_order(look, given["sort"] or given["group"]), is_whole=given["all"], group=given["group"]
            )
    finally:
        console.leave_screen()
        for number, handler in before.items():
            signal.signal(number, handler)


def show_diagnosis(given: dict[str, Any], runner: "Runner", console: "Console") -> None:
    """Show what each host lacks, with --install after an installation that the user has agreed to."""
    from ..ui.views import agrees_to_install, show_diagnoses

    found = runner.doctor()
    if given["install"] and any(each.install_command for each in found):
        if not given["json"]:
            show_diagnoses(console, found, as_json=False)
        if agrees_to_install(console, found, is_said=given["yes"]):
            runner.install(found)
            found = runner.doctor()
    show_diagnoses(console, found, as_json=given["json"])
    if not all(each.is_well for each in found):
        raise Exit(code=FAILED)


def remove_leftovers(given: dict[str, Any], is_dry: bool, runner: "Runner", console: "Console") -> None:
    """Remove what runs have left, after the user has seen it and agreed."""
    from ..ui.views import agrees_to_remove

    if given["all"] and runner.options.limit is not None:
        raise ConfigError("--all: cannot be combined with --limit, which selects components of this config")
    if not (is_dry or given["yes"] or (sys.stdin and sys.stdin.isatty())):
        raise ConfigError("clean: no terminal to ask for confirmation; add --yes to remove without a question")
    agrees = partial(agrees_to_remove, console, is_said=given["yes"], is_dry=is_dry)
    runner.clean(every=given["all"], files=given["files"], agrees=agrees)


def list_muddlers(console: "Console", options: Options) -> None:
    """List the available muddlers with a description and the options of each."""
    from rr_config.muddlers.discovery import all_muddlers
    from rr_config.muddlers.running import options_of

    from ..ui.views import show_muddler

    for muddler in all_muddlers(options.config_dir):
        try:
            told = options_of(muddler, options.config_dir)
        except ConfigError as error:
            told = f"(options unknown: {error})"
        show_muddler(console, muddler, told)


def show_documentation(topic: str, module: Mapping[str, object], console: "Console") -> None:
    """Show the page about a topic; the first page with a list of all. `module` has the commands."""
    from ..ui.pages import FIRST, page_text, title, topics
    from ..ui.views import show_page
    from .reference.tables import commands_in, with_tables

    show_page(console, with_tables(page_text(topic), commands_in(module)))
    if topic == FIRST:
        for name, page in topics().items():
            console.news(f"{name:<20}{title(page)}")


def show_changes(console: "Console", options: Options, as_json: bool) -> None:
    """Show the changes of the muddlers. Raise ConfigError without a muddler, or with --json or --limit."""
    from ..ui.views import config_text, show_diff

    if not options.muddler:
        raise ConfigError("--diff: missing --muddler, whose changes to show")
    if as_json or options.limit is not None:
        raise ConfigError("--diff: cannot be combined with --json or --limit; it compares whole configs")
    # Compare before the validation, because a muddler may complete an invalid config. Render each config before the
    # next muddler runs, because that may change it in place.
    before, *_, after = [config_text(each) for each in evaluated(options)]
    names = (options.config_file or "", " ".join(f"--muddler {each}" for each in options.muddler))
    show_diff(console, before, after, names)
