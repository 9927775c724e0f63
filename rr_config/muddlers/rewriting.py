"""Functions of `util` for muddlers: select components, wrap one in another command, number copies. Pure."""

import copy
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from ..component import ATTRIBUTES, Component
from ..config import Config
from ..errors import ConfigError
from ..files.paths import attrs_evolved
from ..files.trees import rules_of, with_rules
from ..hosts.limit import COPY_OF, copied_names, limited
from ..values.secrets import Secret

NUMBER = "%n"
# Keys of `meta`. PROGRAM is the program of a component of localhost before it was wrapped. FOLDERS are folders that
# belong to one component, so that each copy needs its own.
PROGRAM = "program"
FOLDERS = "folders"
CHANGED = ("executable", "args", "results", "needs", "files", "env")  # attributes that the functions here change


class literal(str):
    """An argument that reaches the program unchanged. Not even `$NAME` in it is replaced."""

    __slots__ = ()


class scoped(str):
    """An argument with variables of its own: `$NAME` stands for that value of `env`, or else for the host's variable.

    The component's own `env` does not count. A muddler needs this for the variables of another program, or of the
    host.

        >>> scoped("$HOME/bin", {"HOME": "/srv"}).env
        {'HOME': '/srv'}
    """

    env: dict[str, Any]

    def __new__(cls, text: object, env: Mapping[str, object] | None = None) -> "scoped":
        made = super().__new__(cls, text)
        made.env = {
            name: value if isinstance(value, str | Secret) else str(value) for name, value in (env or {}).items()
        }
        return made


def chosen(config: Config, only: str | None = None) -> list[Component]:
    """Return the components that `only` selects, with patterns as for `--limit`; without it, return all.

    The result holds the components themselves, so that a muddler can change them. Skip a component with a missing or
    invalid attribute, because `validation` reports it after all muddlers. Raise ConfigError if a pattern matches
    nothing.
    """
    complete = Config(component for component in config.all_components() if _is_complete(component))
    return (complete if only is None else limited(complete, only, "--only")).all_components()


def _is_complete(component: Component) -> bool:
    return all(ATTRIBUTES[name].rule(getattr(component, name, None)) for name in ("name", "host", *CHANGED))


def wrap(component: Component, *command: str, prepare: str = "", given: Sequence[str] = ()) -> None:
    """Change `component` so that it runs under `command`: a program of its host, and arguments.

    The component's own program and arguments follow unchanged. The host looks up the new program in its PATH. A name or
    an absolute path is added to `needs`. Words of the form NAME=VALUE before the program set variables for it. `$NAME`
    in words is replaced as in `args`.

    sh runs the text `prepare` before, in the folder where the component starts, with `given` as `$1`, `$2` and so on.

        >>> job = Component(name="job", executable="job", args=["--fast"], host="node1")
        >>> wrap(job, "nice", "-n", "5")
        >>> job.executable, [str(word) for word in job.args]
        ('/usr/bin/env', ['nice', '-n', '5', './job', '--fast'])
    """
    own = program(component)
    if component.is_local:
        component.meta.setdefault(PROGRAM, str(own))  # for a later muddler that moves it to a host
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
    """Return the program of `component` as an argument for another program that starts it in the component's folder.

    Raise ConfigError for `~NAME/...`, and for `~/...` with a `$`, because no program can expand these.
    """
    path = os.fspath(component.executable)
    if component.is_local:
        return literal(Path(path).expanduser().absolute())
    if not path.startswith("~"):
        # The other program would look up a bare name in PATH.
        return literal(path if path.startswith("/") else f"./{path}")
    home, _, rest = path.partition("/")
    if home != "~" or "$" in rest:
        problem = "cannot be passed to another program; use an absolute path"
        raise ConfigError(f"{component.label}.executable: {path}: {problem}")
    return scoped(f"$HOME/{rest}")  # HOME in the component's `env` is not where its program is


def bring(component: Component, local: str | os.PathLike[str], remote: str) -> None:
    """Add a file or folder to `files`, even if the same one also goes to another remote path.

    `files` has one remote path for each key, so a second one needs another spelling of the local path.

        >>> job = Component(files={"data.csv": "old.csv"})
        >>> bring(job, "data.csv", "new.csv")
        >>> job.files
        {'data.csv': 'old.csv', './data.csv': 'new.csv'}
    """
    key = os.fspath(local)
    while component.files.get(key, remote) != remote:
        key = f"/.{key}" if key.startswith("/") else f"./{key}"
    component.files[key] = remote


def numbered(component: Component, number: int) -> Component:
    """Return a copy of `component` with `%n` replaced by `number` in all texts.

    If its name lacks `%n`, `-%n` is appended. The copy has its own version of each folder in FOLDERS. A pattern that
    matches the original matches the copy, too.

        >>> numbered(Component(name="client", args=["--id", "%n"]), 2).args
        ['--id', '2']
    """
    folders = list(component.meta.get(FOLDERS, ()))

    def filled(value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [filled(each) for each in value]
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, scoped):
            return scoped(filled(str(value)), filled(value.env))
        if not isinstance(value, str):
            return copy.deepcopy(value)
        changed = str(value)
        for folder in folders:
            changed = changed.replace(folder, f"{folder}-{number}")
        changed = changed.replace(NUMBER, str(number))
        return literal(changed) if isinstance(value, literal) else with_rules(changed, rules_of(value))

    name = component.name if NUMBER in component.name else f"{component.name}-{NUMBER}"
    changes = {attribute: filled(getattr(component, attribute)) for attribute in ("base_dir", "host", *CHANGED)}
    if component.ready is not None:
        changes["ready"] = attrs.evolve(component.ready, value=filled(component.ready.value))
    changes["measures"] = {
        name: attrs.evolve(each, **{key: filled(getattr(each, key)) for key in ("log", "csv", "json")})
        for name, each in component.measures.items()
    }
    meta = copy.deepcopy(component.meta) | {COPY_OF: [*copied_names(component), component.name, component.label]}
    if folders:
        meta[FOLDERS] = filled(folders)
    return attrs_evolved(copy.deepcopy(component), **changes, name=filled(name), meta=meta)
