"""The launcher: the script that starts one component and records its end. Pure; see `scripts/launcher.sh`.

A window runs the launcher, which stays beside the program to record its exit status. A process is identified by its id
and the time when it began. The proof of a start is that the command line of that process is no longer the launcher's:
then execve(2) has succeeded.
"""

from collections.abc import Sequence
from itertools import starmap

from rr_config import Component
from rr_config.util import literal

from ..remote import shell
from ..remote.script import RemotePath, Script, read_script

BODY = read_script("launcher.sh")


def launcher(component: Component) -> str:
    """Return the script that a window runs for `component`."""
    return header(component) + BODY


def header(component: Component) -> str:
    """Return the first lines of the launcher, which differ for each component.

    Words of the program may refer to the host's environment, which is read after the launcher has entered the base
    directory. So the header also defines three small functions.
    """
    names: set[str] = set()
    for text in (*component.args, *component.env.values()):
        if not isinstance(text, literal):
            names |= shell.variables(text)
    check = component.ready.value if component.ready and component.ready.kind == "command" else ":"
    values = Script("", {"_rr_own_base_dir": RemotePath(component.base_dir or ""), "_rr_own_check": check}).header()
    environment = [shell.from_environment(name) for name in sorted(names)]
    exports = [f"export {name}={_word(value)}" for name, value in component.env.items()]
    run = ['"$@"', *_command(component)]
    functions = {"read_environment": environment, "change_environment": exports, "program": [" ".join(run)]}
    return "\n".join([values.removesuffix("set --"), *starmap(_function, functions.items())])


def _function(name: str, lines: Sequence[str]) -> str:
    return "\n".join([f"_rr_own_{name}() {{", *map("  {}".format, lines or [":"]), "}", ""])


def shown(component: Component) -> str:
    """Return the command of `component` as a person would type it on its host."""
    folder = "its temporary folder" if component.base_dir is None else shell.path(component.base_dir)
    env = [f"{name}={_word(value, '')}" for name, value in component.env.items()]
    return " ".join(["cd", folder, "&&", *env, *_command(component, "")])


def _command(component: Component, prefix: str = shell.OWN) -> list[str]:
    return [_executable(component), *(_word(arg, prefix) for arg in component.args)]


def _word(text: str, prefix: str = shell.OWN) -> str:
    return shell.quote(text) if isinstance(text, literal) else shell.expanded(text, prefix)


def _executable(component: Component) -> str:
    if component.executable.startswith(("/", "~")):
        return shell.path(component.executable)
    return f'"$PWD"/{shell.quote(component.executable)}'
