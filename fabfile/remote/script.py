"""Scripts that run on hosts: the files in `scripts/`, and the header that gives them values.

A script begins with a header of assignments, which Python generates, and goes on with the text of its file. A line
`. ./NAME.sh` in a file includes another one. The script answers in records that end with NUL, because a path or an
error text may hold any other character.

A script is sent to the standard input of a one-line command. So neither its length nor the user's login shell (which
may be csh or fish) matters. Its input follows it there.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import attrs

from rr_config.program import program

from . import shell
from .package_managers import UNATTENDED

SCRIPTS = Path(__file__).parent / "scripts"
INCLUDE = re.compile(r"\. \./(\w+\.sh)")
COMMENT = re.compile(r"\s*#")

# How the first record of every script begins. Records before it are noise of the login shell. The rest identifies the
# machine and the home: boot id, machine name, home folder. Machines may share a home.
GREETING = "remote-runner "
# The first line of every script that is sent; see check_shell in prologue.sh. If a start-up file runs csh in place of
# our command line, csh stops here, because it lacks this syntax. If a start-up file reads a part of its standard input,
# this line is missing.
FIRST_LINE = ': "${is_evaluated-}"; is_whole=yes'
DONE = "done"
FAILED = "fail "


class RemotePath(str):
    """A path on a host, in which sh expands a leading `~`."""

    __slots__ = ()


class ShellWord(str):
    """A word of sh. `names` are variables of the host's environment that it reads; see `shell.expanded`."""

    names: frozenset[str]

    def __new__(cls, word: str, names: Iterable[str] = ()) -> "ShellWord":
        made = super().__new__(cls, word)
        made.names = frozenset(names)
        return made


Value = str | int | bool
Values = Mapping[str, Value]


@attrs.frozen
class Script:
    """The text of a script, the values that its header assigns, and its arguments (`$1` and so on).

    The text defines a function `main`. True becomes `yes`, False an empty text.

    >>> print(Script("main() { answer $1; }", {"session": "it's", "home": RemotePath("~/a b")}, ["x y"]).header())
    session='it'"'"'s'
    home=~/'a b'
    set -- 'x y'
    """

    text: str
    values: Mapping[str, Value] = attrs.field(factory=dict, repr=False)  # may hold secrets
    arguments: Sequence[Value] = ()

    def header(self) -> str:
        """Return the assignments."""
        words = [each for each in (*self.values.values(), *self.arguments) if isinstance(each, ShellWord)]
        lines = [shell.from_environment(name) for name in sorted({name for word in words for name in word.names})]
        lines += [f"{name}={_word(value)}" for name, value in self.values.items()]
        return "\n".join([*lines, " ".join(["set --", *map(_word, self.arguments)])])

    def program(self) -> str:
        """Return the script as a program of its own, for `sh -c`."""
        return f'{self.header()}\n{self.text}main "$@"'

    def sent_by(self, controller: str = "", born: int = 0, group: int = 0) -> bytes:
        """Return the bytes to send: the script greets, runs `main`, and says `done` if nothing failed.

        `controller` says who runs it from where, for other users of the host. It was started at `born`, in ns since
        1970. `group` is the number of the host group in its process. session_lock.sh explains both. Error messages
        show commands of `controller_program`, the program that the user has called.
        """
        own: dict[str, Value] = {"controller": controller, "controller_born": born, "own_group": group}
        own["controller_program"] = program()
        own["package_managers"] = ",".join(UNATTENDED)
        # Within braces: if only a part of the script arrives, that is a syntax error, and nothing runs.
        lines = [
            FIRST_LINE,
            "{",
            Script("", own).header(),
            self.header(),
            self.text,
            'main "$@"',
            f"answer '{DONE}'",
            "}",
            "",
        ]
        return "\n".join(lines).encode("utf-8", "surrogateescape")


def _word(value: Value) -> str:
    match value:
        case RemotePath():
            return shell.path(value)
        case ShellWord():
            return value
        case bool():
            return "yes" if value else "''"
    return shell.quote(str(value))


def load(name: str, *arguments: Value, **values: Value) -> Script:
    """Return the script of the file `name`.sh with these values."""
    return Script(read_script(f"{name}.sh"), values, arguments)


@functools.cache
def read_script(name: str) -> str:
    """Return the text of a file in `scripts/` with all that it includes, each file once, and without comment lines.

    Comments would only cost bytes on the way to the host.
    """
    return "".join(f"{line}\n" for line in included(name, set()) if not COMMENT.match(line))


def included(name: str, seen: set[str]) -> list[str]:
    """Return the lines of a file and of the files that it includes.

    Files in `seen` are left out; the function adds each file that it includes.
    """
    lines: list[str] = []
    for line in (SCRIPTS / name).read_text("utf-8").splitlines():
        include = INCLUDE.fullmatch(line)
        if include is None:
            lines.append(line)
        elif include[1] not in seen:
            seen.add(include[1])
            lines += included(include[1], seen)
    return lines


def command(sent: bytes) -> str:
    """Return the command line that reads a script of that length from its standard input and runs it."""
    return f"exec sh -c 'is_evaluated=yes; eval \"$(head -c {len(sent)})\"'"


# A command that sshd cannot start: an argument has at most 128 kB on Linux (MAX_ARG_STRLEN in execve(2)). So no shell
# runs, and sshd prints the path of the login shell and the reason. With larger pages, the shell runs `exit`.
IMPOSSIBLE = "exit".ljust(1 << 17)
TOO_LONG = ": Argument list too long"


def by_word(answers: Iterable[str]) -> dict[str, list[str]]:
    """Return the rest of each answer `WORD REST`, by word. A word that nothing begins with has an empty list."""
    found: dict[str, list[str]] = defaultdict(list)
    for answer in answers:
        word, _, rest = answer.partition(" ")
        found[word].append(rest)
    return found
