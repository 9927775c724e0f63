"""Validate the attributes of a config. `component` declares the rule of each attribute."""

from collections.abc import Iterable, Iterator

from ..component import ATTRIBUTES, Component
from ..config import Config
from ..errors import ConfigError
from .rules import SESSION_NAME_HINT, is_session_name, is_text
from .secrets import secret_arguments


def check_attributes(config: Config) -> None:
    """Raise ConfigError with all mistakes if attributes are missing or invalid, or if a host has a name twice."""
    components = list(config.all_components())
    if not components:
        raise ConfigError("config: no components; add one with config.add_component(...)")
    problems = list(_wrong_settings(config))
    for number, component in enumerate(components, 1):
        problems += _wrong_attributes(component, number)
    if not problems:
        problems = list(_names_taken_twice(components))
    if problems:
        raise ConfigError(*problems)


def _wrong_settings(config: Config) -> Iterator[str]:
    """Yield what is wrong with `project` and `screen`."""
    if config.project is not None and not is_text(config.project):
        yield f"config.project: invalid value {_shown(config.project)}; must be a non-empty string, or None"
    if config.screen is not None and not is_session_name(config.screen):
        yield f"config.screen: invalid value {_shown(config.screen)}; {SESSION_NAME_HINT}"


def _wrong_attributes(component: Component, number: int) -> Iterator[str]:
    who = _who(component, number)
    shown = [f"{who}.args: {problem}" for problem in secret_arguments(component)]
    yield from shown
    for name, declared in ATTRIBUTES.items():
        value = getattr(component, name, None)
        if value is None and declared.is_required:
            yield f"{who}.{name}: missing; must be {declared.expected}"
        elif not declared.rule(value) and not (name == "args" and shown):
            yield f"{who}.{name}: invalid value {_shown(value)}; must be {declared.expected}"
    if component.daemon and component.ready is not None and getattr(component.ready, "kind", "") == "ended":
        yield f"{who}.ready: util.ended() is never met by a daemon, because its exit status is unknown"
    if component.is_local and component.files:
        yield f"{who}.files: must be empty for a component of localhost; its files are not copied"


def _who(component: Component, number: int) -> str:
    if isinstance(component.name, str) and component.name:
        who = component.label if isinstance(component.host, str) else component.name
        return who if who.isprintable() else repr(who)
    return f"component {number}"


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def _names_taken_twice(components: Iterable[Component]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for component in components:
        key = (component.host, component.name)
        if key in seen:
            yield f"{component.label}.name: duplicate on this host; rename one of the components"
        seen.add(key)
