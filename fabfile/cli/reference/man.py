"""Man pages: one for the program, and one for each command. `docs/man` holds them, and the package installs them.

man(7) describes the macros.
"""

import inspect
from collections.abc import Iterable, Mapping

from rr_config.program import program

from ..help import COMMANDS, names
from ..options import Option
from .tables import Commands, own_options, shared_options

NAME = "remote-runner"
SUMMARY = "copy files to SSH hosts and start programs on them, in order"
MORE = "The command \\fBremote\\-runner docs\\fR shows the documentation."


def man_pages(commands: Commands) -> Mapping[str, str]:
    """Return the text of each page by the name of its file."""
    rows = []
    for title, members in COMMANDS.items():
        rows.append(f".SS {roff(title)}")
        for name in members:
            rows += [".TP", f"\\fB{roff(name)}\\fR", roff(_summary(commands, name))]
    head = [_head(NAME, SUMMARY), ".SH SYNOPSIS", f"\\fB{roff(NAME)}\\fR \\fICOMMAND\\fR [\\fIOPTION\\fR...]"]
    body = [".SH COMMANDS", *rows, ".SH OPTIONS", *_options(shared_options(commands)), ".SH SEE ALSO", MORE]
    found = {f"{NAME}.1": "\n".join([*head, *body]) + "\n"}
    for name, command in commands.items():
        lines = [_head(f"{NAME}-{name}", _summary(commands, name)), ".SH SYNOPSIS"]
        lines += [f"\\fB{roff(NAME)} {roff(name)}\\fR [\\fIOPTION\\fR...]", ".SH DESCRIPTION"]
        lines += [roff(inspect.cleandoc(command.__doc__ or ""))]
        if own := own_options(name, commands):
            lines += [".SH OPTIONS", *_options(own)]
        lines += [".SH SEE ALSO", f"\\fB{roff(NAME)}\\fR(1) has the options of all commands.", MORE]
        found[f"{NAME}-{name}.1"] = "\n".join(lines) + "\n"
    return found


def _head(name: str, summary: str) -> str:
    return f'.TH {name.upper()} 1 "" "Remote Runner"\n.SH NAME\n{roff(name)} \\- {roff(summary)}'


def _summary(commands: Commands, name: str) -> str:
    sentence = (commands[name].__doc__ or "").partition(". ")[0].rstrip(".")
    return sentence[:1].lower() + sentence[1:]


def _options(options: Iterable[Option]) -> list[str]:
    lines = []
    for option in options:
        spelled = ", ".join(f"\\fB{roff(name)}\\fR" for name in names(option))
        lines += [".TP", spelled, roff((option.help or "").replace(f"`{program()} ", f"`{NAME} "))]
    return lines


def roff(text: str) -> str:
    r"""Return text that roff shows as it is. A `.` or `'` at the start of a line would be a request.

    >>> print(roff(".a --b\n'c"))
    \&.a \-\-b
    \&'c
    """
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join(f"\\&{line}" if line.startswith((".", "'")) else line for line in escaped.splitlines())
