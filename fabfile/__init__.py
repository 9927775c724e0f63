"""The tasks. Each one reads its options, calls a `Runner`, shows the result and sets the exit code.

The docstring of a task is its help text. To keep `fab --list` and `fab --help` fast, this module imports little more
than `cli` and `rr_config`; tasks import the rest when they run.
"""

import os
import signal
import sys

# Ctrl-C while `remote-runner` loads its modules ends it without a traceback; `__main__` sets the usual handler again.
if os.path.basename(sys.argv[0] if sys.argv else "") == "remote-runner":  # noqa: PTH119 - pathlib is loaded later
    signal.signal(signal.SIGINT, lambda number, frame: os._exit(130))

# Invoke tells Python to write no bytecode. Every start would then compile all modules again, which takes 60 ms.
if not sys.flags.dont_write_bytecode:
    sys.dont_write_bytecode = False

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .cli.patches.import_patches import deferring

with deferring():
    import fabric as fabric

from invoke.context import Context
from invoke.exceptions import Exit

from rr_config import Config, Options, load
from rr_config.errors import named
from rr_config.files.paths import local_path

from .cli.exit_codes import FAILED, WRONG
from .cli.interaction import (
    list_muddlers,
    remove_leftovers,
    show_changes,
    show_diagnosis,
    show_documentation,
    show_status,
)
from .cli.invocation import execute, nobody, with_runner
from .cli.options import command
from .cli.patches.invoke_patches import apply_patches
from .cli.reports import compare_folders, report_folder, report_hosts
from .cli.sweeping import run_sweep

if TYPE_CHECKING:
    from .runner import Observer, Runner
    from .ui.console import Console

apply_patches()


@command
def run(context: Context, **given: Any) -> None:
    """Run kill, screen, sync and start on all hosts, then wait for the components with `wait`."""
    if context.config.run.dry:
        context.config.run.dry = False
        with_runner(context, given, "plan", _show_plan, nobody, with_files=True)
    else:
        with_runner(context, given, "run", partial(_run, given), partial(_follower, given), with_files=True)


def _follower(given: dict[str, Any], console: "Console", config: Config) -> "Console":
    """Return the console as an observer that also prints the output of components with --follow."""
    if given["follow"] and given["json"]:
        raise Exit("--follow: cannot be combined with --json, which prints one document", WRONG)
    if given["follow"]:
        from .ui.lines.log_lines import LogLines

        console.log_lines = LogLines(console, config.all_components(), is_raw=False)
    return console


def _run(given: dict[str, Any], runner: "Runner", console: "Console") -> None:
    """Run. With --collect, collect at the end, as far as possible if the run failed."""
    from .util.stages import StageError

    if not given["collect"]:
        runner.run(follow=given["follow"])
        return
    _results_folder(given)  # raises its errors before the hosts are touched
    console.afterwards["collect results with"] = ["collect"]
    try:
        runner.run(follow=given["follow"])
    except StageError:
        try:
            _collect(given, runner, console)
        except StageError as error:
            console.stage_failed(error)  # before the failures of the run
        raise
    _collect(given, runner, console)


@command
def sweep(context: Context, **given: Any) -> None:
    """Run the config for every combination of parameters, several times. Collect each run in a folder of its own."""
    execute(context, given, "sweep", partial(run_sweep, context, given))


@command
def collect(context: Context, **given: Any) -> None:
    """Copy output and `results` of the components into a new local folder below `results`, named by the time."""
    with_runner(context, given, "collect", partial(_collect, given))


def _collect(given: dict[str, Any], runner: "Runner", _: "Console") -> None:
    runner.collect(_results_folder(given))


def _results_folder(given: dict[str, Any]) -> Path:
    """Return the folder for results, and create it if necessary. Raise ConfigError if it cannot be used."""
    from .results.collect import make_ready

    to = local_path(given["to"])
    with named(f"--to {to}"):
        make_ready(to)
    return to


@command
def plan(context: Context, **given: Any) -> None:
    """Show what `run` would do in the current state of the hosts. Changes nothing."""
    with_runner(context, given, "plan", partial(_show_plan, as_json=given["json"]), nobody, with_files=True)


def _show_plan(runner: "Runner", console: "Console", as_json: bool = False) -> None:
    from .ui.views import show_plan

    found = runner.plan()
    show_plan(console, found, as_json)
    if not found.is_possible:
        raise Exit(code=FAILED)


@command
def config(context: Context, **given: Any) -> None:
    """Show the config after loading, muddlers and --limit. Contacts no host."""

    def show(console: "Console", options: Options) -> None:
        from .ui.views import show_config

        if given["diff"]:
            show_changes(console, options, given["json"])
        else:
            show_config(console, load(options), given["json"])

    execute(context, given, "config", show)


@command
def kill(context: Context, **given: Any) -> None:
    """Kill the screen session on every host, and all processes started in it."""
    with_runner(context, given, "kill", lambda runner, console: runner.kill())


@command
def clean(context: Context, **given: Any) -> None:
    """Remove what runs have left on the hosts: the state of ended sessions, and temporary folders. Asks first."""
    is_dry, context.config.run.dry = context.config.run.dry, False
    with_runner(context, given, "clean", partial(remove_leftovers, given, is_dry))


@command
def screen(context: Context, **given: Any) -> None:
    """Start a screen session on every host that does not have it yet."""
    with_runner(context, given, "screen", lambda runner, console: runner.screen())


@command
def sync(context: Context, **given: Any) -> None:
    """Copy missing and changed files to the hosts."""
    with_runner(context, given, "sync", lambda runner, console: runner.sync(), with_files=True)


@command
def start(context: Context, **given: Any) -> None:
    """Start the components in the existing sessions, in the order of their start index."""
    with_runner(context, given, "start", lambda runner, console: runner.start())


@command
def stop(context: Context, **given: Any) -> None:
    """Stop the components, by descending start index. Keep the session and its windows."""
    with_runner(context, given, "stop", lambda runner, console: runner.stop(grace=given["grace"]))


@command
def restart(context: Context, **given: Any) -> None:
    """Stop the components, then start them."""
    with_runner(context, given, "restart", lambda runner, console: runner.restart(grace=given["grace"]))


@command
def status(context: Context, **given: Any) -> None:
    """Show the state of every component. Exits with 0 if all are running or have ended with 0."""
    if given["watch"] and given["json"]:
        raise Exit("--watch: cannot be combined with --json, which prints one document", WRONG)
    with_runner(context, given, "status", partial(show_status, given), nobody)


@command
def wait(context: Context, **given: Any) -> None:
    """Wait until the components with `wait` have ended. If none has `wait`, or with --limit, wait for all."""

    def work(runner: "Runner", console: "Console") -> None:
        components = list(runner.config.all_components())
        waited = [c for c in components if c.wait] if runner.options.limit is None else []
        runner.wait(waited or components, given["timeout"])

    with_runner(context, given, "wait", work)


@command
def logs(context: Context, **given: Any) -> None:
    """Show the output of the components, each line after the name of its component."""

    def observer(console: "Console", config: Config) -> "Observer":
        from .ui.lines.log_lines import LogLines

        console.ends_with_output = True
        return LogLines(console, config.all_components(), given["raw"])

    def show(runner: "Runner", console: "Console") -> None:
        from .runner import Selection

        runner.logs(Selection(given["lines"], given["since"], given["follow"], given["timestamps"]))

    with_runner(context, given, "logs", show, observer)


@command
def exec(context: Context, **given: Any) -> None:
    """Run a command line on every host, in the home directory. Show equal outputs once."""
    from .ui.views import show_executed

    def work(runner: "Runner", console: "Console") -> None:
        try:
            runner.execute(given["command"], given["timeout"])
        finally:
            show_executed(console, console.results.get("exec", {}))

    with_runner(context, given, "exec", work)


@command
def attach(context: Context, **given: Any) -> None:
    """Show the window of a component in this terminal. Ctrl-a d detaches, as in screen."""
    from rr_config.hosts.limit import component_named

    def show(runner: "Runner", console: "Console") -> None:
        runner.attach(component_named(runner.config, given["component"]))

    with_runner(context, given, "attach", show, nobody)


@command
def report(context: Context, **given: Any) -> None:
    """Write a report as one HTML page, from the current state of the hosts or from a collection."""
    if given["from"] is None and given["table"] is None and given["trace"] is None:
        with_runner(context, given, "report", partial(report_hosts, given), nobody)
    else:
        execute(context, given, "report", partial(report_folder, given))


@command
def compare(context: Context, **given: Any) -> None:
    """Show what differs between two collections, or two sweeps: config, versions, files, hosts and measures."""
    execute(context, given, "compare", partial(compare_folders, given))


@command
def doctor(context: Context, **given: Any) -> None:
    """Check every host for missing packages, programs and disk space. Exits with 1 if there is a problem."""
    if given["install"] and not given["yes"] and not (sys.stdin and sys.stdin.isatty()):
        raise Exit("--install: no terminal to ask for confirmation; add --yes to install without a question", WRONG)
    with_runner(context, given, "doctor", partial(show_diagnosis, given), nobody, with_files=True)


@command
def init(context: Context, **given: Any) -> None:
    """Write a commented config to start with. It runs on this machine as it stands."""
    from rr_config.starter import write_config

    from .ui.views import show_first_steps

    file = given["file"]
    execute(context, given, "init", lambda console, _: show_first_steps(console, write_config(file), file))


@command
def docs(context: Context, **given: Any) -> None:
    """Show a page of the documentation in the terminal, or list the pages."""
    execute(context, given, "docs", lambda console, _: show_documentation(given["topic"], globals(), console))


@command
def muddlers(context: Context, **given: Any) -> None:
    """List the available muddlers with a description and the options of each."""
    execute(context, given, "muddlers", list_muddlers)
