"""Runs components under another command: strace, perf, valgrind, gdb, sudo, nice.

    --muddler "wrap --with 'strace -f -o {results}/trace' --only 'server*'"

The command is looked up in the PATH of the host, and its own arguments come before the program and its arguments, which
stay as they are. In it, {results} is a folder that is there when it starts, wrap/NAME in the component's folder, and
that `fab collect` brings; {name} and {host} are the component's. `$NAME` is replaced as in `args`.
"""

import hashlib
import os
import re
import shlex

from rr_config import ConfigError

LONGEST_NAME = 150


def add_arguments(parser):
    parser.add_argument("--with", metavar="COMMAND", help="the command, with its arguments; must be said")
    parser.add_argument(
        "--needs",
        metavar="NAMES",
        default="",
        help="more programs that a host must have for it, with commas between them",
    )


def muddle(config):
    text = getattr(extra_options, "with")
    words = shlex.split(text or "")
    if not words:
        raise ConfigError(f"wrap --with: is {text!r}; it must be a command")
    needs = [name for name in extra_options.needs.split(",") if name]
    for component in util.chosen(config, extra_options.only):
        results = f"wrap/{folder_name(component.name)}"
        values = {"{results}": results, "{name}": component.name, "{host}": component.host}
        command = [filled(word, values) for word in words]
        if command == words or not any("{results}" in word for word in words):
            util.wrap(component, *command)
        else:
            util.wrap(component, *command, prepare='mkdir -p -- "$1"', given=[util.literal(results)])
            component.results = [*component.results, results]
            component.meta["folders"] = [*component.meta.get("folders", ()), results]
        component.needs = [*component.needs, *needs]


def folder_name(name):
    """A name for a folder, another one for each `name`, that no program takes for a pattern."""
    quoted = re.sub(rb"[^A-Za-z0-9_-]", lambda match: b"=%02X" % match[0][0], os.fsencode(name)).decode()
    if len(quoted) <= LONGEST_NAME:
        return quoted
    return f"{quoted[:LONGEST_NAME]}=={hashlib.sha1(quoted.encode(), usedforsecurity=False).hexdigest()}"


def filled(word, values):
    """`word` with what it has between braces replaced, if that is among `values`."""
    text = word
    for name, value in values.items():
        text = text.replace(name, value)
    return util.literal(text) if text != word and "$" not in word else text  # a `$` in a name is no variable
