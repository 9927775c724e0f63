"""Run components under another command, for example strace, perf, valgrind, gdb, sudo or nice.

    --muddler "wrap --with 'strace -f -o {results}/trace' --only 'server*'"

The host looks the command up in its PATH. The program and its arguments follow the command and stay unchanged. In the
command, {name} and {host} are those of the component, and `$NAME` is replaced as in `args`. {results} is the folder
wrap/NAME in the component's folder. It exists when the command starts, and `fab collect` fetches it.
"""

import hashlib
import os
import re
import shlex

from rr_config import ConfigError

LONGEST_NAME = 150


def add_arguments(parser):
    add = parser.add_argument
    add("--with", metavar="COMMAND", help="command with its arguments (required)")
    add("--needs", metavar="NAMES", default="", help="more programs that the host must have, separated by commas")


def muddle(config):
    text = getattr(extra_options, "with")
    words = shlex.split(text or "")
    if not words:
        raise ConfigError(f"wrap --with: required, and must be a command (is {text!r})")
    needs = list(filter(None, extra_options.needs.split(",")))
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
    """Return a folder name that is unique for `name` and that no program treats as a pattern."""
    quoted = re.sub(rb"[^A-Za-z0-9_-]", lambda match: b"=%02X" % match[0][0], os.fsencode(name)).decode()
    if len(quoted) <= LONGEST_NAME:
        return quoted
    return f"{quoted[:LONGEST_NAME]}=={hashlib.sha1(quoted.encode(), usedforsecurity=False).hexdigest()}"


def filled(word, values):
    """Replace the placeholders of `values` in `word`.

    If `word` itself has no `$`, the result is literal: a `$` in a component's name must not become a variable.
    """
    text = word
    for name, value in values.items():
        text = text.replace(name, value)
    return util.literal(text) if text != word and "$" not in word else text
