"""Select components of a config by patterns of names and hosts, for `--limit` and `--only`. Pure."""

import glob
from collections.abc import Sequence
from fnmatch import fnmatchcase

from .component import Component, Config
from .errors import ConfigError

COPY_OF = "copy_of"


def component_named(config: Config, name: str) -> Component:
    """Return the component of that name, or of that `host/name`.

    Raise ConfigError if there is none, or if several have the name.
    """
    components = config.all_components()
    found = [each for each in components if name in (each.name, each.label)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(f"{name}: is the name of {', '.join(each.label for each in found)}; name one of these")
    raise ConfigError(f"{name}: there is no such component; there are {_listed(components)}")


def limited(config: Config, limit: str, option: str = "--limit") -> Config:
    """Return a config with the components that `limit`, the value of `option`, selects.

    `limit` is a list of patterns, separated by commas. A pattern matches the whole name of a component, its whole host,
    or both as `host/name`. It may contain `*`, `?` and `[ab]`, as in fnmatch(3). A pattern that begins with `!`
    excludes what it matches. If all patterns exclude, the remaining components are selected.

    Raise ConfigError if a pattern matches no component, or if no component remains.
    """
    patterns = [pattern.strip() for pattern in limit.split(",") if pattern.strip()]
    components = list(config.all_components())
    chosen = [pattern for pattern in patterns if not pattern.startswith("!")]
    excluded = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    strays = [p for p in (*chosen, *excluded) if not any(_matches(p, component) for component in components)]
    if strays or not patterns:
        known = _listed(components)
        raise ConfigError(
            *(f"{option}: {stray!r} matches no component; there are {known}" for stray in strays or [limit])
        )

    def is_chosen(component: Component) -> bool:
        is_named = not chosen or any(_matches(pattern, component) for pattern in chosen)
        return is_named and not any(_matches(pattern, component) for pattern in excluded)

    left = config.with_components(component for component in components if is_chosen(component))
    if not any(left.all_components()):
        raise ConfigError(f"{option}: {limit!r} leaves no component; exclude fewer")
    return left


def limit_to_components(components: Sequence[Component], config: Config, was_limited: bool) -> str:
    """Return the pattern that chooses these components of `config`.

    `was_limited` if `config` does not hold all components of its file.

    All components of a host become `HOST/*`, unless that could name others too.
    """
    chosen = {component.label for component in components}
    patterns: dict[str, None] = {}
    for host in sorted({component.host for component in components}):
        own = [component.label for component in config.all_components() if component.host == host]
        if not was_limited and chosen.issuperset(own):
            patterns[f"{_literal(host)}/*"] = None
        else:
            patterns |= dict.fromkeys(_literal(label) for label in own if label in chosen)
    return ",".join(patterns)


def _literal(name: str) -> str:
    """Return a pattern that matches `name`, and hardly anything else.

    A comma would separate patterns, and `limited` strips spaces around a pattern. A `?` stands for each of them.
    """
    middle = name.strip()  # `limited` strips spaces around a pattern
    before, _, after = name.partition(middle) if middle else (name, "", "")
    return "?" * len(before) + glob.escape(middle).replace(",", "?") + "?" * len(after)


def _listed(components: Sequence[Component]) -> str:
    return ", ".join(component.label for component in components[:20]) + ", ..." * (len(components) > 20)


def names(component: Component) -> tuple[str, ...]:
    """Return the texts that a pattern can match.

    These are the name, `host/name`, and the host in three forms: alone, with its port, and as it stands in the config.
    A copy also has the names of its original.
    """
    with_port = component.host.rpartition("@")[2]
    own = (component.name, bare_host(component.host), with_port, component.host, component.label)
    return (*own, *copied_names(component))


def bare_host(host: str) -> str:
    """Return the host of `user@host:port`, or the IPv6 address of `user@address`, which contains colons."""
    bare = host.rpartition("@")[2]
    return bare.partition(":")[0] if bare.count(":") == 1 else bare


def copied_names(component: Component) -> tuple[str, ...]:
    """Return the names of its original if it is a copy. `util.numbered` stores them in `meta`."""
    return tuple(name for name in component.meta.get(COPY_OF, ()) if isinstance(name, str))


def _matches(pattern: str, component: Component) -> bool:
    return any(fnmatchcase(name, pattern) for name in names(component))
