"""What muddlers do to components: choose some, put one under another command, number copies. Pure."""

import copy
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs

from ..component import Component, Config
from ..errors import ConfigError
from ..limit import COPY_OF, copied_names, limited
from ..paths import attrs_evolved

NUMBER = "%n"
# Keys of `meta`: the program of a component of localhost, before it was wrapped; folders of its own.
PROGRAM = "program"
FOLDERS = "folders"


class literal(str):
    """An argument that reaches the program as it is: `$NAME` in it is not replaced either."""

    __slots__ = ()


def chosen(config: Config, only: str | None = None) -> list[Component]:
    """The components that `only` names, by patterns as for `--limit`, or all; those held, to be changed.

    What lacks a name, a host or a program is not among them: the checks that come after all muddlers say so.
    Raises ConfigError for a pattern that names none.
    """
    complete = Config(component for component in config.all_components() if _is_complete(component))
    return (complete if only is None else limited(complete, only, "--only")).all_components()


def _is_complete(component: Component) -> bool:
    texts, lists = (component.name, component.host), (component.args, component.needs, component.results)
    return (
        all(isinstance(text, str) for text in texts)
        and isinstance(component.executable, str | os.PathLike)
        and all(isinstance(each, list | tuple) for each in lists)
        and all(isinstance(each, dict) for each in (component.files, component.env))
    )


def wrap(component: Component, *command: str, prepare: str = "", given: Sequence[str] = ()) -> None:
    """Let `component` run under `command`, a program of its host and arguments; its own come behind them, unharmed.

    The program is looked up in the host's PATH, and added to `needs` if it is a name or an absolute path; words of the
    form NAME=VALUE in front of it are variables for it. `$NAME` in words is replaced as in `args`. The text `prepare`
    is run by sh before, in the folder where the component starts, and finds `given` as `$1`, `$2`, and so on.
    """
    own = program(component)
    if component.is_local:
        component.meta.setdefault(PROGRAM, str(own))  # for who moves it to a host later
    words = [*command, own, *component.args]
    found = next((word for word in command if "=" not in word), None)
    if found and (found.startswith("/") or "/" not in found) and "$" not in found and found not in component.needs:
        component.needs = [*component.needs, found]
    run = 'exec /usr/bin/env "$@"' if command else 'exec "$@"'
    if prepare:
        text = f"{prepare} || exit\nshift {len(given)}\n{run}"
        component.executable, component.args = "/bin/sh", ["-c", literal(text), "sh", *given, *words]
    elif command:
        component.executable, component.args = "/usr/bin/env", words


def program(component: Component) -> str:
    """The program of `component` as an argument, for another program that is to start it in the component's folder."""
    path = os.fspath(component.executable)
    if component.is_local:
        return literal(Path(path).expanduser().absolute())
    if not path.startswith("~"):
        # A mere name would be looked up in PATH.
        return literal(path if path.startswith("/") else f"./{path}")
    home, _, rest = path.partition("/")
    if home != "~" or "$" in rest:
        raise ConfigError(f"{component.label}.executable: {path}: cannot be told to a program; give a full path")
    return f"$HOME/{rest}"


def bring(component: Component, local: str | os.PathLike[str], remote: str) -> None:
    """Add a file or folder to `files`, though the same one is brought to another place, too."""
    key = os.fspath(local)
    while component.files.get(key, remote) != remote:
        key = f"/.{key}" if key.startswith("/") else f"./{key}"
    component.files[key] = remote


def numbered(component: Component, number: int) -> Component:
    """A copy of `component` with `%n` replaced by `number` in all of its texts, and folders of its own.

    Its name gets `-%n` if it has none. Patterns that name the component name the copy, too.
    """
    folders = list(component.meta.get(FOLDERS, ()))

    def filled(text: Any) -> Any:
        if not isinstance(text, str):
            return copy.deepcopy(text)
        changed = str(text)
        for folder in folders:
            changed = changed.replace(folder, f"{folder}-{number}")
        changed = changed.replace(NUMBER, str(number))
        return literal(changed) if isinstance(text, literal) else changed

    name = component.name if NUMBER in component.name else f"{component.name}-{NUMBER}"
    changes = {attribute: filled(getattr(component, attribute)) for attribute in ("executable", "base_dir", "host")}
    for attribute in ("args", "results", "needs"):
        changes[attribute] = [filled(text) for text in getattr(component, attribute)]
    for attribute in ("files", "env"):
        changes[attribute] = {key: filled(value) for key, value in getattr(component, attribute).items()}
    if component.ready is not None:
        changes["ready"] = attrs.evolve(component.ready, value=filled(component.ready.value))
    meta = copy.deepcopy(component.meta) | {COPY_OF: [*copied_names(component), component.name, component.label]}
    if folders:
        meta[FOLDERS] = [filled(folder) for folder in folders]
    return attrs_evolved(copy.deepcopy(component), **changes, name=filled(name), meta=meta)
