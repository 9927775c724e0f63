"""What a person sees: a line a host and a line a component, progress, and failures. The only place that prints.

Results go to standard output; progress and errors to standard error.
"""

import difflib
import json
import logging
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fabric import Config as Settings

from rr_config import Component, Options
from rr_config.muddlers import Muddler

from . import listing
from .collecting import HostResults
from .observer import Failure, Observer, StageError
from .planning import Plan
from .readiness import BecameReady
from .sessions import Killed, Session
from .starting import Started
from .statuses import Status
from .styles import BOLD, OF_CHANGES, RED, YELLOW, styled
from .transfer import Synced
from .waiting import Ended
from .words import (
    STATUS_COLUMNS,
    brought,
    cleaned,
    counted,
    in_bytes,
    killed,
    plan_lines,
    running,
    same_commands,
    same_hosts,
    same_settings,
    status_row,
    synced,
)

if TYPE_CHECKING:
    from .bars import Bars
    from .diagnosis import Diagnosis


class Console(Observer):
    """Follows a run on a terminal, or as plain lines. Above level INFO it says nothing but errors.

    A command that does nothing but show things `ends_with_output`: where that cannot be written any more, as by Ctrl-C.
    """

    def __init__(self, log_level: str) -> None:
        _open_missing_streams()
        level = logging.getLevelNamesMapping()[log_level]
        self._is_quiet = level > logging.INFO
        self._lock = threading.Lock()
        self.ends_with_output = False
        self._bars: Bars | None = None
        self._held_back: list[str] = []  # lines that would be printed into the bars
        self._stage = ""
        self._unanswered: set[str] = set()
        self._failures: dict[str, str] = {}
        self._told: set[tuple[str, str, str]] = set()
        self.afterwards: dict[str, list[str]] = {"end all with": ["kill"]}  # what to do once interrupted, and how
        logging.basicConfig(level=level, format="%(levelname)s %(message)s", force=True)
        # What goes wrong with a connection is reported with its host; paramiko would add a traceback.
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)
        for library in ("fabric", "invoke"):  # at DEBUG they tell all settings, the password among them
            logging.getLogger(library).setLevel(logging.WARNING)

    def begins(self, stage: str, hosts: Sequence[str]) -> None:
        """Show the stage, and bars where it is `sync` on a terminal."""
        self._stage, self._unanswered, self._failures = stage, set(hosts), {}
        self._print(f"{styled(stage, BOLD, sys.stdout)}  {counted(len(hosts), 'host')}")
        if stage in ("sync", "collect") and sys.stderr.isatty() and not self._is_quiet:
            from .bars import Bars

            self._bars = Bars()

    def progress(self, stage: str, host: str, done: int, total: int) -> None:
        """Move the bar of a host."""
        if self._bars is not None:
            self._bars.move(cleaned(host), done, total)

    def result(self, stage: str, host: str, result: Any) -> None:
        """A line a host, or a line a component."""
        self._unanswered.discard(host)
        match result:
            case Killed():
                self._line(host, killed(result))
            case Session():
                self._line(host, f"{'new' if result.is_new else 'existing'} session {result.id}")
            case Synced():
                self._line(host, synced(result))
            case HostResults():
                self._line(host, brought(result))
            case [Ended(), *_] if stage.startswith("stop "):
                for ended in result:
                    self._line(ended.component.label, str(ended) if ended.was_started else "was not running")

    def failed(self, stage: str, host: str, reason: str) -> None:
        """Keep it for the end of the stage."""
        self._unanswered.discard(host)
        self._failures[host] = reason

    def lost(self, stage: str, host: str, reason: str) -> None:
        """A line for a connection that is taken up again."""
        self.error(f"{host}: {stage}: {reason}; taking it up again")

    def started(self, started: Started) -> None:
        """A line for a component that runs."""
        self._line(started.component.label, running(started))

    def became_ready(self, ready: BecameReady) -> None:
        """A line for a component that is ready."""
        self._line(ready.component.label, f"ready after {ready.seconds:.1f} s: {ready.component.ready}")

    def ended(self, ended: Ended) -> None:
        """A line for a component that has ended."""
        self._line(ended.component.label, str(ended))

    def ends(self, stage: str) -> None:
        """Take the bars away, and show what waited for that."""
        if self._bars is not None:
            self._bars.stop()
            self._bars = None
        for line in self._held_back:
            self._print(line)
        self._held_back = []

    def failed_for_now(self, stage: str, host: str, reason: str) -> None:
        """A line for a host that failed, at once, where the stage may not end."""
        self._told.add((stage, host, reason))
        self._failed_lines(stage, [Failure(host, reason)])

    def goes_on(self, stage: str, failures: Sequence[Failure]) -> None:
        """A line for each failure, at once."""
        self._failed_lines(stage, failures)
        self._told.update((stage, each.where, each.reason) for each in failures)

    def stage_failed(self, error: StageError, again: str | None = None) -> None:
        """A line for each failure: where, in which stage, why; and what has become of the others.

        `again` is the --limit that repeats the failed hosts alone.
        """
        untold = [f for f in error.failures if (f.stage or error.stage, f.where, f.reason) not in self._told]
        self._failed_lines(error.stage, untold)
        if error.went_on:
            self.error(f"{counted(len(error.hosts), 'host')} failed; all was done on the others")
        elif error.stage not in ("wait", "terminate", "logs", "attach", "collect", "install"):
            self.error(f"{error.stage} failed; no later stage was begun")
        if again is not None:
            self.error(f"again, for what failed alone: --limit {shlex.quote(again)}")

    def interrupted(
        self, running: Sequence[Started], unknown: Sequence[Component], options: Options, settings: Settings
    ) -> None:
        """Say what is known of the stage, what runs where, and how it can be ended."""
        self._failed_lines(self._stage, [Failure(host, reason) for host, reason in self._failures.items()])
        waited = f", with no answer yet from {', '.join(sorted(self._unanswered))}" if self._unanswered else ""
        self.error(cleaned(f"interrupted in {self._stage}{waited}"))
        if running:
            self.error("these go on running:")
        for each in running:
            self.error(f"  {each.component.label}  pid {each.pid}")
        if unknown:
            self.error("these may run:")
        for component in unknown:
            self.error(f"  {component.label}")
        if not running and not unknown:
            self.error("this command has started no component; what was in the sessions before may still run")
        # No password is shown; it will be asked for.
        asking = ["--prompt-for-login-password"] if options.ssh_pass or settings.connect_kwargs.get("password") else []
        program = [Path(sys.argv[0]).name, *same_commands(settings)]
        same = [*same_hosts(options), *same_settings(settings), *asking]
        for what, command in self.afterwards.items():
            self.error(f"{what}: {shlex.join([*program, *command, *same])}")

    def error(self, text: str) -> None:
        """A line, or several, on standard error."""
        for line in text.split("\n"):
            try:
                with self._lock:  # no line of another thread is to get into it
                    print(styled(cleaned(line), RED, sys.stderr), file=sys.stderr, flush=True)
            except OSError:  # nobody is there to be told
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())

    def _failed_lines(self, stage: str, failures: Iterable[Failure]) -> None:
        for where, reason, said, own_stage in failures:
            self.error(cleaned(f"{where}: {own_stage or stage}: {reason}") + "; the end of its output:" * bool(said))
            for line in said:
                self.error(cleaned(f"  | {line}"))

    def statuses(self, found: Sequence[Status], as_json: bool, in_place: bool) -> None:
        """A table of them, or one JSON document. A table that is shown `in_place` clears the terminal first."""
        self.ends_with_output = in_place
        if as_json:
            self._json([each.as_dict() for each in found])
            return
        if in_place and sys.stdout.isatty():
            self.write(b"\033[H\033[2J")
        self._table(STATUS_COLUMNS, [(status_row(each), "" if each.is_well else RED) for each in found])

    def diagnoses(self, found: "Sequence[Diagnosis]", as_json: bool) -> None:
        """A line for each problem and each warning, and one a host for what is fine; or one JSON document."""
        from .diagnosis import DIAGNOSIS_COLUMNS, Verdict, diagnosis_rows

        if as_json:
            checks = [check for each in found for check in each.as_dicts()]
            self.write(json.dumps(checks, indent=2).encode() + b"\n")
            return
        colors: dict[str, str] = {Verdict.OK: "", Verdict.WARNING: YELLOW, Verdict.PROBLEM: RED}
        rows = [(row, colors[row[1]]) for each in found for row in diagnosis_rows(each)]
        self._table(DIAGNOSIS_COLUMNS, rows)

    def agrees_to_install(self, found: "Iterable[Diagnosis]", is_said: bool) -> bool:
        """Show the commands that would install what is missing, and ask, unless that is said already."""
        self._aside("to be installed:\n")
        for each in found:
            if each.install_command:
                self._aside(cleaned(f"  {each.host}  {each.install_command}") + "\n")
        if is_said:
            return True
        self._aside("install? [y/N] ")
        agrees = sys.stdin.readline().strip().lower() in ("y", "yes")
        if not agrees:
            self._aside("nothing has been installed\n")
        return agrees

    def _aside(self, text: str) -> None:
        print(text, end="", file=sys.stderr, flush=True)

    def _table(self, columns: tuple[str, ...], rows: Iterable[tuple[tuple[str, ...], str]]) -> None:
        """Aligned columns; each row with its style."""
        styled_rows = [(columns, BOLD), *rows]
        widths = [max(map(len, column)) for column in zip(*(row for row, _ in styled_rows), strict=True)]
        for row, style in styled_rows:
            line = "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip()
            self.write(f"{styled(line, style, sys.stdout)}\n".encode("utf-8", "replace"))

    def plan(self, found: Plan, as_json: bool) -> None:
        """What would be done, host by host, and what would be started; or one JSON document."""
        if as_json:
            self._json(found.as_dict())
            return
        for line in plan_lines(found):
            style = "" if line.startswith(" ") else BOLD
            self.write(f"{styled(line, style, sys.stdout)}\n".encode("utf-8", "replace"))

    def config(self, components: Sequence[Component], as_json: bool) -> None:
        """The components as the text of a config file; or one JSON document."""
        if as_json:
            self._json([listing.as_values(component) for component in components])
        else:
            self.write(listing.as_python(components).encode("utf-8", "surrogateescape"))

    def diff(self, before: str, after: str, names: tuple[str, str]) -> None:
        """What has changed in a text, as `diff -u` shows it; its lines have names for the texts at the top."""
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), *names, lineterm=""):
            text = styled(cleaned(line), OF_CHANGES.get(line[:1], ""), sys.stdout)
            self.write(text.encode("utf-8", "replace") + b"\n")

    def _json(self, document: object) -> None:
        self.write(json.dumps(document, indent=2, default=repr).encode() + b"\n")

    def muddler(self, muddler: Muddler, options: str) -> None:
        """What it is named by, what it does, where it is; and its options, a line or more each."""
        self._print(f"{muddler.name}  {cleaned(muddler.summary)}  ({muddler.path})")
        for line in options.splitlines():
            self._print(f"  {cleaned(line)}".rstrip())

    def collected(self, folder: Path) -> None:
        """A line that says where all has been put."""
        self._print(f"collected in {cleaned(str(folder))}")

    def wrote(self, path: Path) -> None:
        """A line for a file that was made here."""
        self._print(f"wrote {cleaned(str(path))} ({in_bytes(path.stat().st_size)})")

    def _line(self, where: str, text: str) -> None:
        line = f"  {cleaned(where)}  {cleaned(text)}"
        if self._bars is not None:
            self._held_back.append(line)
        else:
            self._print(line)

    def _print(self, line: str) -> None:
        if not self._is_quiet:
            self.write(f"{line}\n".encode("utf-8", "replace"))

    def write(self, line: bytes) -> None:
        """Write a line. Where it cannot be, as of `| head`, work goes on all the same."""
        try:
            with self._lock:  # lines come from several threads
                sys.stdout.buffer.write(line)
                sys.stdout.buffer.flush()
        except OSError as error:
            self._is_quiet = True
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python flushes at its end
            if self.ends_with_output:
                signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            else:
                self.error(f"standard output: {(error.strerror or str(error)).lower()}; going on without it")


def _open_missing_streams() -> None:
    """Let nothing that is opened later take the place of a standard stream that the caller has closed."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), number)
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
