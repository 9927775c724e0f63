"""Choosing some components of a config by their names and hosts, as `--limit` does. Pure."""

import glob
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase

from .component import Component, Config
from .errors import ConfigError

COPY_OF = "copy_of"


def component_named(config: Config, name: str) -> Component:
    """The one component of that name, or of that `host/name`. ConfigError where there is none, or more than one."""
    components = config.all_components()
    found = [each for each in components if name in (each.name, each.label)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(f"{name}: is the name of {', '.join(each.label for each in found)}; name one of these")
    raise ConfigError(f"{name}: there is no such component; there are {_listed(components)}")


def limited(config: Config, limit: str, option: str = "--limit") -> Config:
    """The components that `limit`, the value of `option`, chooses: patterns, separated by commas.

    A pattern matches a component by its name, its host, or both as `host/name`, whole, as fnmatch(3) has it
    (`*`, `?`, `[ab]`). One that begins with `!` excludes what it matches. Where all exclude, the others are
    chosen. Raises ConfigError for a pattern that matches nothing, and where nothing is left.
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

    left = Config(component for component in components if is_chosen(component))
    if not any(left.all_components()):
        raise ConfigError(f"{option}: {limit!r} leaves no component; exclude fewer")
    return left


def limit_to(hosts: Collection[str], config: Config, was_limited: bool) -> str:
    """The pattern by which the components of `config` on these hosts are chosen; `was_limited` where it has not all."""
    if not was_limited:
        return ",".join(f"{_literal(host)}/*" for host in sorted(hosts))
    return ",".join(_literal(each.label) for each in config.all_components() if each.host in hosts)


def _literal(name: str) -> str:
    """The pattern that matches `name`, and hardly anything else."""
    middle = name.strip()  # as what is around a pattern goes
    before, _, after = name.partition(middle) if middle else (name, "", "")
    return "?" * len(before) + glob.escape(middle).replace(",", "?") + "?" * len(after)


def _listed(components: Sequence[Component]) -> str:
    return ", ".join(component.label for component in components[:20]) + ", ..." * (len(components) > 20)


def names(component: Component) -> tuple[str, ...]:
    """What a pattern can match: its name, its host without user and port, and with them, and `host/name`.

    Also the name of the component that it is a copy of, if it is one.
    """
    with_port = component.host.rpartition("@")[2]
    own = (component.name, bare_host(component.host), with_port, component.host, component.label)
    return (*own, *copied_names(component))


def bare_host(host: str) -> str:
    """The host of `user@host:port`, or of `user@address`, where an IPv6 address has colons of its own."""
    bare = host.rpartition("@")[2]
    return bare.partition(":")[0] if bare.count(":") == 1 else bare


def copied_names(component: Component) -> tuple[str, ...]:
    """The names of what it is a copy of, as `meta` has them since `util.numbered` has made it."""
    return tuple(name for name in component.meta.get(COPY_OF, ()) if isinstance(name, str))


def _matches(pattern: str, component: Component) -> bool:
    return any(fnmatchcase(name, pattern) for name in names(component))
