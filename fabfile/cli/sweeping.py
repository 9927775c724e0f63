"""The command `sweep` in the terminal."""

import logging
import signal
from typing import TYPE_CHECKING, Any

from invoke.context import Context
from invoke.exceptions import Exit

from rr_config import Config, Options

from .exit_codes import FAILED, INTERRUPTED

ENDING = (signal.SIGTERM, signal.SIGHUP)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..sweeps import Result, Sweep
    from ..ui.console import Console
    from ..ui.lines.sweep_lines import SweepLines


def run_sweep(context: Context, given: dict[str, Any], console: "Console", options: Options) -> None:
    """Carry out the runs of a sweep that are due, and show the end. Raise Exit after a failure or Ctrl-C.

    SIGTERM and SIGHUP act as Ctrl-C.
    """
    from ..ssh.terminal import guard
    from ..sweeps import Sweep
    from ..ui.lines.sweep_lines import SweepLines
    from ..util.stages import StageError

    for handler in logging.getLogger().handlers:
        handler.addFilter(_Once())  # the config is loaded again for each combination
    lines = SweepLines(console, is_verbose=given["verbose"])
    sweep = Sweep(
        options=options,
        over=given["over"] or (),
        repeats=given["repeats"],
        to=given["to"],
        seed=given["seed"],
        retry_failed=given["retry_failed"],
        mixed=given["mixed"],
        time_limit=given["time_limit"],
        settings=context.config,
        observer=lines,
    )
    guard()
    for number in ENDING:
        if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupt)
    try:
        results = sweep.run()
    except StageError as error:
        console.stage_failed(error)
        console.error(f"go on with: {_line(context, given, options)}")
        raise Exit(code=FAILED) from error
    except KeyboardInterrupt as interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C must not cut off the message
        console.error(f"go on with: {_line(context, given, options)}")
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise Exit(code=interrupt.args[0] if interrupt.args else INTERRUPTED) from None
    _show_end(context, given, sweep, results, lines)
    if any(each.outcome is not None and not each.outcome.is_success for each in results):
        raise Exit(code=FAILED)


def _interrupt(number: int, _: object) -> None:
    """Act as after Ctrl-C, but with the exit code of the signal."""
    raise KeyboardInterrupt(128 + number)


class _Once(logging.Filter):
    """Drops a log message that is the same as an earlier one."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the message is new."""
        message = record.getMessage()
        is_new = message not in self._seen
        self._seen.add(message)
        return is_new


def _show_end(
    context: Context, given: dict[str, Any], sweep: "Sweep", results: "Sequence[Result]", lines: "SweepLines"
) -> None:
    """Show the counts of runs, and command lines to go on with."""
    outcomes = [each.outcome for each in results]
    hints = {}
    if None in outcomes:
        hints["go on with"] = _line(context, given, sweep.options)
    if any(each is not None and not each.is_success for each in outcomes):
        hints["repeat the failed runs with"] = _line(context, {**given, "retry_failed": True}, sweep.options)
    if any(outcomes):
        hints["make a page with"] = _line(context, {"from": str(sweep.folder)}, Options(), "report")
    lines.ends_sweep(results, hints, as_json=given["json"])


def _line(context: Context, given: dict[str, Any], options: Options, command: str = "sweep") -> str:
    from .hints import CommandLine

    return CommandLine(Config(), options, context.config, given).text([command])
