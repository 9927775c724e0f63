"""Start the components of one host, each in a window, by start index. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import attrs

from rr_config import Component
from rr_config.program import program

from ..remote import state_dir
from ..remote.script import Script, Value, load, read_script
from ..util.text import printable
from . import readiness
from .launcher import BODY, header, secrets


@attrs.frozen
class Started:
    """A component runs; `pid` is the process id of its program.

    `was_running` if it ran before, and was left alone.
    """

    component: Component
    pid: int
    was_running: bool = False


@attrs.frozen
class NotStarted:
    """A component could not be started; `words` are the end of its window's output.

    `status` is the exit status of the launcher, or None if screen opened no window.
    """

    component: Component
    status: int | None
    words: str
    output = ()  # `reason` has the last line already

    @property
    def reason(self) -> str:
        """The reason, in one line."""
        if self.status is None and self.words == BEGUN:
            reason = "the window did not start the program; is base_dir on a dead file system?"
            return f"timed out: {reason} see: {program()} status"
        if self.status is None:
            return "screen opened no window; the session may have too many windows, or the host no free terminals"
        hint = "; arguments belong in args, not in executable" if self._may_have_arguments() else ""
        return f"could not be started (exit status {self.status}): {self._last_line()}{hint}"

    def _may_have_arguments(self) -> bool:
        """Return whether the host found no such program, and its path has a space, as in `/usr/bin/env prog`."""
        return self.status == NOT_FOUND and len(self.component.executable.split()) > 1

    def _last_line(self) -> str:
        for line in reversed(self.words.splitlines()):
            if line.strip():
                return OF_LAUNCHER.sub("", line.strip())
        return "no output"


BEGUN = "begun"
NOT_FOUND = 127  # the exit status of a shell that finds no such program

# The prefix of the message of sh when the launcher cannot execute the program: a line of our script.
OF_LAUNCHER = re.compile(r"^.*/launcher: (line )?\d+: (exec: )?")


Outcome = Started | NotStarted | readiness.BecameReady | readiness.NotReady


def in_order(components: Iterable[Component]) -> list[tuple[int, list[Component]]]:
    """Return the components by start index, ascending."""
    by_index: dict[int, list[Component]] = {}
    for component in components:
        by_index.setdefault(component.start_index, []).append(component)
    return sorted(by_index.items())


def start_script(
    session: str,
    components: Sequence[Component],
    origin: str,
    is_last: bool,
    sample: int,
    ownership: Mapping[str, Value],
) -> Script:
    """Return the script that opens a window for each component, and answers once each runs, or cannot.

    `origin` is a text that says what they were started with; the host keeps it beside each component. With `is_last`,
    the script releases the session for other controllers. `sample` is the interval of samples in seconds, or 0.
    """
    values: dict[str, Value] = {**ownership, "session": session, "origin": origin, "is_last": is_last, "sample": sample}
    values["secrets"] = secrets(components)
    note_taker, lines = read_script("note_taker.sh"), readiness.LINES
    arguments = chain.from_iterable(map(_arguments, components))
    return load("start", *arguments, launcher=BODY, note_taker=note_taker, output_lines=lines, **values)


def _arguments(component: Component) -> list[Value]:
    """Return the eight words that start.sh wants for each component."""
    folder, title = state_dir.folder(component.name), window_title(component.name)
    in_rc = "'" + title.replace("'", "'\"'\"'") + "'"  # a word of a screen rc file: nothing is special between quotes
    ready = ["", "", 0] if component.ready is None else readiness.readiness_words(component.ready)
    return [folder, title, in_rc, header(component), component.base_dir is None, *ready]


def window_title(name: str) -> str:
    return printable(name, "?")[:200]


def read_started(components: Sequence[Component], answers: Iterable[str]) -> Iterator[Outcome]:
    """Yield what `start_script` answers, as it comes."""
    by_folder = state_dir.by_folder(components)
    for answer in answers:
        word, folder, value = answer.split(" ", 2)
        component = by_folder[folder]
        match word:
            case "failed":
                status, _, words = value.partition(" ")
                yield NotStarted(component, int(status) if status.isdigit() else None, words)
            case "ready":
                yield readiness.BecameReady(component, int(value) / 100)
            case "unready":
                yield readiness.read_unready(component, value)
            case _:
                yield Started(component, int(value), was_running=word == "running")
