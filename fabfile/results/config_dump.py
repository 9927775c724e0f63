"""A loaded and muddled config as text: Python source of a config file, or plain values for JSON. Pure."""

from collections.abc import Iterator
from itertools import starmap

import attrs

from rr_config import Component, Config
from rr_config.command_line.parameters import assignments
from rr_config.files.trees import Rules, TreePath, rules_of
from rr_config.util import literal, scoped
from rr_config.values.measures import Measure
from rr_config.values.ready import PidFile, Ready
from rr_config.values.secrets import HIDDEN, Secret, secrets_of

DEFAULTS = Component()


def as_python(config: Config) -> str:
    """Return the source of a config file that does the same, after a comment with the parameters.

    The source is valid only if `meta` holds plain values. It declares no parameters, because they could not change the
    components any more.
    """
    head = f"# parameters: {assignments(config.parameters)}\n" if config.parameters else ""
    for name in ("project", "screen"):
        value = getattr(config, name)
        head += f"config.{name} = {value!r}\n" if value is not None else ""
    return "\n".join([*([head] if head else []), *map(_call, config.all_components())])


def _call(component: Component) -> str:
    return f"config.add_component(\n    Component(\n{''.join(_lines(component))}    )\n)\n"


def as_values(component: Component) -> dict[str, object]:
    """Return all attributes of a component as plain values, except for objects in `meta`.

    A `util.literal` becomes an object with its text under `literal`. A `util.scoped` becomes one with its text under
    `scoped`, and its variables under `env`. A remote path of `util.tree` becomes one with its path under `tree`, and
    with the arguments. A `util.pidfile` becomes its path.
    """
    values: dict[str, object] = attrs.asdict(component, recurse=False)
    values["args"] = list(map(_value, component.args))
    values["env"] = {name: _value(value) for name, value in component.env.items()}
    values["files"] = {local: _value(remote) for local, remote in component.files.items()}
    values["measures"] = {name: _given(measure) for name, measure in component.measures.items()}
    values["ready"] = component.ready and attrs.asdict(component.ready)
    if isinstance(component.daemon, PidFile):
        values["daemon"] = component.daemon.path
    return values


def _value(text: object) -> object:
    match text:
        case Secret():
            return {"secret": text.name, "value": HIDDEN}
        case literal():
            return {"literal": str(text)}
        case scoped():
            return {"scoped": str(text), "env": {name: _value(value) for name, value in text.env.items()}}
        case TreePath(rules=rules):
            return {"tree": str(text), "exclude": rules.exclude, "links": rules.links, "delete": rules.delete}
    return text


def _lines(component: Component) -> Iterator[str]:
    for name, value in attrs.asdict(component, recurse=False).items():
        if value != getattr(DEFAULTS, name):
            hidden = secrets_of(value) if name == "env" else ()
            comment = f"  # {', '.join(f'{each}={HIDDEN}' for each in hidden)}" if hidden else ""
            yield f"        {name}={_source(value)},{comment}\n"


def _source(value: object) -> str:
    """Return `value` as a Python expression, with a call of `util` for each value that one of its functions made."""
    match value:
        case Secret():
            return f"util.secret({value.name!r})"
        case literal():
            return f"util.literal({str(value)!r})"
        case scoped():
            return f"util.scoped({str(value)!r}, {_source(value.env)})"
        case Ready():
            own = {"port": f"{value.value}, ", "ended": ""}.get(value.kind, f"{value.value!r}, ")
            return f"util.{value.kind}({own}timeout={value.timeout!r})"
        case Measure():
            return f"util.measure({', '.join(f'{name}={each!r}' for name, each in _given(value).items())})"
        case PidFile():
            return f"util.pidfile({value.path!r})"
        case list():
            return f"[{', '.join(map(_source, value))}]"
        case dict():
            return f"{{{', '.join(starmap(_item, value.items()))}}}"
    return repr(value)


def _given(measure: Measure) -> dict[str, str]:
    """Return the arguments of `util.measure` that differ from the defaults."""
    return attrs.asdict(measure, filter=lambda field, value: value != field.default)


def _item(key: object, value: object) -> str:
    """Return an item of a dict, or the call of `util.tree` for a path with rules."""
    rules = rules_of(value)
    if rules is None:
        return f"{_source(key)}: {_source(value)}"
    return f"**util.tree({', '.join([repr(key), repr(str(value)), *_arguments(rules)])})"


def _arguments(rules: Rules) -> Iterator[str]:
    """Yield the arguments of `util.tree` that differ from the defaults."""
    for name in ("exclude", "links", "delete"):
        value = getattr(rules, name)
        if value != getattr(Rules(), name):
            yield f"{name}={list(value) if isinstance(value, tuple) else value!r}"
