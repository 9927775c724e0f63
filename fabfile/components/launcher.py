"""The launcher: the script that starts one component and records its end. Pure; see `scripts/launcher.sh`.

A window runs the launcher, which stays beside the program to record its exit status. A process is identified by its id
and the time when it began. The proof of a start is that the command line of that process is no longer the launcher's:
then execve(2) has succeeded.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import starmap

from rr_config import Component
from rr_config.texts import variables
from rr_config.util import literal, scoped
from rr_config.values.ready import PidFile
from rr_config.values.secrets import HIDDEN, plain, secret_value, secrets_of

from ..remote import shell, state_dir
from ..remote.script import RemotePath, Script, ShellWord, Value, read_script

BODY = read_script("launcher.sh")


def launcher(component: Component) -> str:
    """Return the script that a window runs for `component`."""
    return header(component) + BODY


def header(component: Component) -> str:
    """Return the first lines of the launcher, which differ for each component.

    Words of the program may refer to the host's environment, which is read after the launcher has entered the base
    directory. So the header also defines three small functions.
    """
    check = component.ready.value if component.ready and component.ready.kind == "command" else ":"
    values: dict[str, Value] = {"_rr_own_base_dir": RemotePath(component.base_dir or ""), "_rr_own_check": check}
    values["_rr_own_daemon"] = _daemon(component)
    values["_rr_own_has_secrets"] = bool(secrets_of(component.env))
    assignments = Script("", values).header()
    environment = [shell.from_environment(name) for name in sorted(_variables(component))]
    exports = [f"export {name}={word}" for name, word in _words(component.env).items()]
    run = ['"$@"', *_command(component)]
    functions = {"read_environment": environment, "change_environment": exports, "program": [" ".join(run)]}
    return "\n".join([assignments.removesuffix("set --"), *starmap(_function, functions.items())])


def secrets(components: Iterable[Component]) -> str:
    """Return a script that exports the secrets of the component whose launcher runs it. It is empty without secrets."""
    cases = []
    for component in components:
        exports = [f"export {name}={shell.quote(secret_value(own))}" for name, own in secrets_of(component.env).items()]
        if exports:
            cases.append(f"{shell.quote(state_dir.folder(component.name))}) {'; '.join(exports)} ;;")
    return "\n".join(["case ${_rr_own_folder##*/} in", *cases, "esac", "_rr_own_has_secrets="]) if cases else ""


def _daemon(component: Component) -> Value:
    if isinstance(component.daemon, PidFile):
        path = component.daemon.path
        return RemotePath(path if path.startswith(("/", "~")) else f"./{path}")  # no path is the word `tag`
    return "tag" if component.daemon else ""


def _variables(component: Component) -> set[str]:
    """Return the names of the host's variables that arguments or values of `env` may need."""
    return _variables_in([*component.args, *plain(component.env).values()])


def _variables_in(texts: Iterable[str]) -> set[str]:
    names: set[str] = set()
    for text in texts:
        values = plain(text.env).values() if isinstance(text, scoped) else ()
        for each in (text, *values):
            names |= set() if isinstance(each, literal) else variables(each)
    return names


def _function(name: str, lines: Sequence[str]) -> str:
    return "\n".join([f"_rr_own_{name}() {{", *map("  {}".format, lines or [":"]), "}", ""])


def shown(component: Component) -> str:
    """Return the command of `component` as a person would type it on its host."""
    folder = "its temporary folder" if component.base_dir is None else shell.path(component.base_dir)
    env = [f"{name}={word}" for name, word in _words(component.env, "").items()]
    env += [f"{name}={HIDDEN}" for name in secrets_of(component.env)]
    return " ".join(["cd", folder, "&&", *env, *_command(component, "")])


def _command(component: Component, prefix: str = shell.OWN) -> list[str]:
    words = _words(component.env, prefix)
    return [_executable(component), *(_argument(arg, prefix, words) for arg in component.args)]


def _words(env: Mapping[str, str], prefix: str = shell.OWN) -> dict[str, str]:
    """Return the values of `env` as words of sh. `$NAME` in them is always the host's, so that a PATH can grow."""
    return {name: _argument(value, prefix, {}) for name, value in plain(env).items()}


def environment_word(value: str) -> ShellWord:
    """Return a value of `env` as a word for a script that runs outside of the launcher."""
    return ShellWord(_argument(value, shell.OWN, {}), _variables_in([value]))


def _argument(text: str, prefix: str, words: Mapping[str, str]) -> str:
    """Return `text` as one word of sh. `words` holds the variables that the component sets itself."""
    if isinstance(text, literal):
        return shell.quote(text)
    return shell.expanded(text, prefix, _words(text.env, prefix) if isinstance(text, scoped) else words)


def _executable(component: Component) -> str:
    if component.executable.startswith(("/", "~")):
        return shell.path(component.executable)
    return f'"$PWD"/{shell.quote(component.executable)}'
