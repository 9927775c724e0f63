"""Command lines as hints for the user, and the recap at the end of a command.

The lines reach the same hosts and sessions from any folder.
"""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from fabric import Config as Settings

from rr_config import Config, Options
from rr_config.command_line.declarations import Declaration, Values
from rr_config.command_line.options import OPTIONS
from rr_config.command_line.parameters import as_texts
from rr_config.files.paths import local_path
from rr_config.hosts.limit import limit_to_others
from rr_config.hosts.natural_order import natural_key
from rr_config.program import FAB, INSTALLED, program

from ..runner.fleet import identity_files
from ..runner.repeat import Repeat
from ..ui.recap import ALIVE, BROKEN, NO_SESSION, Recap
from .exit_codes import FAILED
from .own_options import own_options
from .patches.invoke_patches import settings_files

if TYPE_CHECKING:
    from ..runner.runner import Runner
    from ..runner.waiting.tracker import ComponentResult
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
    "clean": ("run again with", "run"),
}


@attrs.frozen
class CommandLine:
    """A command as the user gave it: with options, settings of Fabric, and `own` options of that command alone."""

    config: Config
    options: Options
    settings: Settings
    own: Mapping[str, Any] = attrs.field(factory=dict)

    def text(self, command: Sequence[str], limit: str | None = None) -> str:
        """Return the whole line for `command`, from the name of the program on.

        `limit` takes the place of the given one. The command gets the given options that it has, too. No password is in
        the line; if one is needed, the command asks for it.
        """
        needs_password = self.options.ssh_pass or self.settings.connect_kwargs.get("password")
        words = [*self._program(), *self._settings_file(), *command]
        words += [*self._shared(command, limit), *self._own(command), *self._of_fabric()]
        if needs_password:
            words.append("--prompt-for-login-password")
        return shlex.join(words)

    def _program(self) -> list[str]:
        """Return the program, and for `fab` the option with which it finds this fabfile in any folder."""
        project = settings_files(self.settings).project_folder
        return [FAB, "-r", str(Path(project).absolute())] if program() == FAB and project else [program()]

    def _shared(self, command: Sequence[str], limit: str | None) -> list[str]:
        """Return the options that all commands have and that are not at their defaults."""
        session = self.options.session_of(self.config)
        given = attrs.evolve(self.options, screen=session, limit=limit or self.options.limit)
        defaults = Options()
        if self.config.screen is not None:
            defaults.screen = self.config.screen
        words: list[str] = []
        for option in OPTIONS:
            if not option.applies_to(command[0]):
                continue
            value = getattr(given, option.attribute)
            if value != getattr(defaults, option.attribute) and not option.is_secret:
                words += _words(option, option.translated(value), command)
        return words

    def _own(self, command: Sequence[str]) -> list[str]:
        """Return the options that only some commands have and that are not at their defaults."""
        words: list[str] = []
        for option in own_options(command[0]):
            value = self.own.get(option.name, option.default)
            if value != option.default:
                words += _words(option, value, command)
        return words

    def _settings_file(self) -> list[str]:
        """Return Fabric's option for a settings file. Behind a command, -f may be its --follow."""
        files = settings_files(self.settings)
        file = files.named
        if not file and program() == INSTALLED:
            file = files.project  # `remote-runner` only looks for it in the current folder
        return ["-f", _absolute(file)] if file and Path(file).is_file() else []  # Fabric names a missing fabric.py

    def _of_fabric(self) -> list[str]:
        """Return Fabric's other options with which a command reaches the hosts in the same way."""
        ssh_config = settings_files(self.settings).ssh_config
        words = ["-S", _absolute(ssh_config)] if ssh_config else []
        for key in identity_files(self.settings):
            words += ["-i", _absolute(key)]
        return words


def _words(option: Declaration, value: Any, command: Sequence[str]) -> list[str]:
    """Return the words that give an option its value, unless `command` has the flag already."""
    if option.kind is bool:
        flag = option.flag if value else option.off_flag
        return [] if flag in command else [flag]
    if option.values is Values.PARAMETER:
        value = as_texts(value)
    words: list[str] = []
    for each in value if option.is_repeatable else [value]:
        words += [option.flag, _text(option, each)]
    return words


def _text(option: Declaration, value: Any) -> str:
    if option.values is Values.PATH:
        return _absolute(value)
    if option.values is Values.OVER:
        from ..sweeps.cells import ASSIGNMENT  # only sweeps need this package

        return str(value) if ASSIGNMENT.fullmatch(value) else _absolute(value)
    if option.values is Values.MUDDLER:
        return _muddler(value)
    return str(value)


def _absolute(path: str | Path) -> str:
    return str(local_path(path).absolute())


def _muddler(given: str) -> str:
    """Return a muddler with an absolute path, if it is one, and its options."""
    if ("/" in given or given.endswith(".py")) and local_path(given).is_file():  # the path may have spaces
        return _absolute(given)
    name, *words = shlex.split(given)
    return shlex.join([_absolute(name) if "/" in name or name.endswith(".py") else name, *words])


def _is_named(host: str, places: set[str]) -> bool:
    """Return whether a failure is about the host itself, or a file there."""
    return host in places or any(place.startswith(f"{host}:") for place in places)


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
        """Show the failures, the recap, and the command that repeats a failed one."""
        if error:
            later = self.runner.has_later_stages(self.command, error)
            self.console.stage_failed(error, has_later_stages=later)
        repeat = self._repeat(error) if error else None
        if self.command in NEXT:
            recap = self._recap(error)
            if self.as_json:
                hints = recap.hints if repeat is None else {**recap.hints, "repeat with": repeat}
                self.console.document(attrs.evolve(recap, hints=hints).as_dict())
            else:
                self.console.recap(recap)
        others = self._others(error) if error and repeat is not None else None
        if others is not None:
            self.console.error(f"without these hosts: {others}")
        if repeat is not None:
            self.console.error(f"repeat with: {repeat}")

    def show_interrupted(self) -> None:
        """Show what still runs after Ctrl-C, unless the command only shows something."""
        if self.runner.observer is self.console:
            hints = {"continue waiting with": self._text("wait")} if "wait" in self.console.results else {}
            for purpose, words in self.console.afterwards.items():
                hints[purpose] = self.line.text(words)
            self.console.interrupted(self.runner.running, self.runner.unknown, hints)

    def _recap(self, error: "StageError | None") -> Recap:
        hosts = sorted(self.runner.config.all_hosts(), key=natural_key)
        places = {failure.where for failure in error.failures} if error else set()
        failed = {host for host in hosts if _is_named(host, places)}
        results = self.runner.results()
        return Recap(
            self.command,
            FAILED if error else 0,
            self.runner.clock.monotonic() - self._began,
            hosts,
            results,
            self.console.results,
            [each._replace(stage=each.stage or error.stage) for each in error.failures] if error else (),
            failed,
            self._failed_hints(error, results) if error else self._hints(results),
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
            whole = attrs.evolve(self.line.options, limit=None)  # kill ends the whole session
            hints["kill everything with"] = attrs.evolve(self.line, own={}, options=whole).text(["kill"])
        return hints

    def _failed_hints(self, error: "StageError", results: "list[ComponentResult]") -> dict[str, str]:
        """Return the next commands after a failure, for the components that failed."""
        failed = [each for each in results if each.state in BROKEN]
        running = {each.component.label for each in self.runner.running}
        unready = [each.component for each in failed if each.component.label in running]
        ended = [each.component for each in failed if each.exit_status is not None]
        hints = {}
        if any(each.reason.startswith(NO_SESSION) for each in error.failures):
            hints["start a session with"] = self._text("screen", None)
        if unready or ended:  # others have not been started, and their output is an older one
            hints["show their output with"] = self._text("logs", self.runner.limit_to([*unready, *ended]))
        if unready:
            hints["after a correction, sync, then restart it with"] = self._text(
                "restart", self.runner.limit_to(unready)
            )
        return hints

    def _text(self, command: str, limit: str | None = None) -> str:
        return attrs.evolve(self.line, own={}).text([command], limit)

    def _repeat(self, error: "StageError") -> str | None:
        """Return the command line that brings the hosts to the state that the failed command wanted.

        None if that command would fail again: the message has shown what to change.
        """
        repeat = self.runner.repeat_for(self.command, error)
        if repeat is None:
            return None
        names = overridden(repeat, self.runner.config.assigned)
        if names:
            listed = " and ".join(f"options.{name}" for name in names)
            self.console.error(f"the config assigns {listed}, so no command line can repeat only the failed part")
            return None
        return self.line.text(repeat.words, repeat.limit)

    def _others(self, error: "StageError") -> str | None:
        """Return the command line that does the same on the other hosts, if some hosts could not be reached."""
        if error.stage != "connect" or error.went_on or self.runner.config.assigned.get("limit"):
            return None
        places = {failure.where for failure in error.failures}
        components = [each for each in self.runner.config.all_components() if _is_named(each.host, places)]
        others = limit_to_others(components, self.runner.config, self.runner.options.limit or "") if components else ""
        return self.line.text([self.command], others) if others else None


def overridden(repeat: Repeat, assigned: Mapping[str, Any]) -> list[str]:
    """Return the assigned options that would win over the options of a repeat line, and kill what runs well."""
    needed = {"kill_first": "--no-kill" in repeat.words, "limit": repeat.limit is not None}
    return [name for name, is_needed in needed.items() if is_needed and assigned.get(name)]
