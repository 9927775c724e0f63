"""The end of a command: a recap, and command lines that are useful next."""

from typing import TYPE_CHECKING

import attrs

from rr_config.limit import limit_to_components

from ..components.status import State
from ..ui.recap import Recap
from .exit_codes import FAILED
from .rerun import CommandLine

if TYPE_CHECKING:
    from ..runner.runner import Runner
    from ..runner.tracker import ComponentResult
    from ..ui.console import Console
    from ..util.stages import StageError

# The commands that end with a recap, and the useful next command of those that start nothing.
NEXT = {
    "run": None,
    "start": None,
    "restart": None,
    "wait": None,
    "sync": ("start the components with", "start"),
    "screen": ("copy the files with", "sync"),
    "stop": ("start them again with", "start"),
    "kill": ("run again with", "run"),
    "exec": None,
}
ALIVE = (State.RUNNING, State.READY, State.STARTING)


@attrs.define
class Summary:
    """Shows the end of a command of a `runner` on a `console`; `line` is the command as the user gave it."""

    command: str
    runner: "Runner"
    console: "Console"
    line: CommandLine
    as_json: bool
    _began: float = attrs.field(init=False)

    @_began.default
    def _now(self) -> float:
        return self.runner.clock.monotonic()

    def show(self, error: "StageError | None") -> None:
        """Show the recap, and the command that repeats a failed one."""
        repeat = self._repeat(error) if error else None
        if self.command in NEXT:
            recap = self._recap(error)
            if self.as_json:
                hints = recap.hints if repeat is None else {**recap.hints, "repeat with": repeat}
                self.console.document(attrs.evolve(recap, hints=hints).as_dict())
            else:
                self.console.recap(recap)
        if repeat is not None:
            self.console.error(f"repeat with: {repeat}")

    def _recap(self, error: "StageError | None") -> Recap:
        hosts = sorted(self.runner.config.all_hosts())
        failed = {failure.where for failure in error.failures} & set(hosts) if error else set()
        results = self.runner.results(failed)
        return Recap(
            self.command,
            FAILED if error else 0,
            self.runner.clock.monotonic() - self._began,
            hosts,
            results,
            self.console.results,
            error.failures if error else (),
            failed,
            self._failed_hints(results) if error else self._hints(results),
        )

    def _hints(self, results: "list[ComponentResult]") -> dict[str, str]:
        """Return the next commands after a success."""
        if self.command == "exec":
            return {}
        follow_up = NEXT[self.command]
        if follow_up is not None:
            purpose, command = follow_up
            return {purpose: self._text(command)}
        hints = {"show output with": self._text("logs")}
        if any(each.component.results for each in results) and "collect" not in self.console.results:
            hints["collect results with"] = self._text("collect")
        if any(each.state in ALIVE for each in results):
            hints["kill everything with"] = self._text("kill")
        return hints

    def _failed_hints(self, results: "list[ComponentResult]") -> dict[str, str]:
        """Return the next command after a failure: it shows the output of failed components."""
        failed = [each.component for each in results if each.state in (State.FAILED, State.LOST)]
        if not failed:
            return {}
        limit = limit_to_components(failed, self.runner.config, self.runner.options.limit is not None)
        return {"show their output with": self._text("logs", limit)}

    def _text(self, command: str, limit: str | None = None) -> str:
        return attrs.evolve(self.line, own={}).text([command], limit)

    def _repeat(self, error: "StageError") -> str | None:
        """Return the command line that brings the hosts to the state that the failed command wanted.

        None if that command would fail again: the message has shown what to change.
        """
        repeat = self.runner.repeat_for(self.command, error)
        return None if repeat is None else self.line.text(repeat.words, repeat.limit)
