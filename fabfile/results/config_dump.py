"""A loaded and muddled config as text: Python source of a config file, or plain values for JSON. Pure."""

from collections.abc import Iterable, Iterator

import attrs

from rr_config import Component
from rr_config.ready import Ready
from rr_config.util import literal, scoped

DEFAULTS = Component()


def as_python(components: Iterable[Component]) -> str:
    """Return the source of a config file that creates these components.

    The source is valid only if `meta` holds plain values.
    """
    return "\n".join(map(_call, components))


def _call(component: Component) -> str:
    arguments = "".join(_lines(component))
    return f"config.add_component(\n    Component(\n{arguments}    )\n)\n"


def as_values(component: Component) -> dict[str, object]:
    """Return all attributes of a component as plain values, except for objects in `meta`.

    A `util.literal` becomes an object with its text under `literal`. A `util.scoped` becomes one with its text under
    `scoped`, and its variables under `env`.
    """
    values = attrs.asdict(component, recurse=False)
    return values | {
        "args": list(map(_value, component.args)),
        "env": {name: _value(value) for name, value in component.env.items()},
        "ready": None if component.ready is None else attrs.asdict(component.ready),
    }


def _value(text: str) -> object:
    match text:
        case literal():
            return {"literal": str(text)}
        case scoped():
            return {"scoped": str(text), "env": {name: _value(value) for name, value in text.env.items()}}
    return text


def _lines(component: Component) -> Iterator[str]:
    for name, value in attrs.asdict(component, recurse=False).items():
        if value != getattr(DEFAULTS, name):
            yield f"        {name}={_source(value)},\n"


def _source(value: object) -> str:
    """Return `value` as a Python expression, with a call of `util` for each value that one of its functions made."""
    match value:
        case literal():
            return f"util.literal({str(value)!r})"
        case scoped():
            return f"util.scoped({str(value)!r}, {_source(value.env)})"
        case Ready():
            own = {"port": f"{value.value}, ", "ended": ""}.get(value.kind, f"{value.value!r}, ")
            return f"util.{value.kind}({own}timeout={value.timeout!r})"
        case list():
            return f"[{', '.join(map(_source, value))}]"
        case dict():
            items = [f"{_source(key)}: {_source(own)}" for key, own in value.items()]
            return f"{{{', '.join(items)}}}"
    return repr(value)
