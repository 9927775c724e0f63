"""Select components of a config by patterns of names and hosts, for `--limit` and `--only`. Pure."""

import fnmatch
import functools
import glob
import re
from collections.abc import Sequence

from ..component import Component
from ..config import Config
from ..errors import ConfigError
from ..likeness import hint
from .names import URI, parsed, usual
from .natural_order import in_natural_order, natural_key

COPY_OF = "copy_of"
# The numbers of a host range, such as `[1-60]` and `[2,10]`. `[12]` is the set of characters 1 and 2.
RANGE = re.compile(r"\[(?=\d+[,-])(\d{1,6}(?:-\d{1,6})?(?:,\d{1,6}(?:-\d{1,6})?)*)\]")
# A host whose numbers a range can hold. Other characters have a meaning for NodeSet.
NUMBERED = re.compile(r"(?=.*[0-9])[A-Za-z0-9_.][A-Za-z0-9_.@:-]*")
MOST_NAMES = 3  # hosts with the same pattern behind them; more become a range
PLACE = "\ue000"  # stands for a range while the rest of a pattern is translated
# The bracket in front of an IPv6 address, which is no set of characters.
ADDRESS = re.compile(r"(?:^|(?<=@))\[(?=[0-9A-Fa-f.*?]*:[0-9A-Fa-f.*?]*:[^\[\]]*\])")


class Words(str):
    """A value of --limit that was given as words after a command. Error messages name this command."""

    command: str


def component_named(config: Config, name: str) -> Component:
    """Return the component of that name, or of that `host/name`.

    Raise ConfigError if there is none, or if several have the name.

        >>> config = Config([Component(name="db", host=host) for host in ("node1", "node2")])
        >>> component_named(config, "node2/db").host
        'node2'
        >>> component_named(config, "db")
        Traceback (most recent call last):
        rr_config.errors.ConfigError: db: ambiguous component; must be one of node1/db, node2/db
    """
    components = config.all_components()
    found = [each for each in components if name in (each.name, each.label)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ConfigError(f"{name}: ambiguous component; must be one of {_listed(found, None)}")
    known = [*(each.name for each in components), *(each.label for each in components)]
    raise ConfigError(f"{name}: unknown component; {hint(name, known, f'must be one of {_listed(components)}')}")


def limited(config: Config, limit: str, option: str = "--limit") -> Config:
    """Return a config with the components that `limit`, the value of `option`, selects.

    `limit` is a list of patterns, separated by commas. A pattern matches the whole name of a component, its whole
    host, or both as `host/name`. It may contain `*`, `?` and `[ab]`, as in fnmatch(3), and host ranges such as
    `node[1-60]` or `node[2,10]`, as commands print them. A pattern that begins with `!` excludes what it matches. If
    all patterns exclude, the remaining components are selected.

    Raise ConfigError if a range is invalid, if a pattern matches no component, or if no component remains.
    """
    if isinstance(limit, Words):
        option = limit.command
    chosen: list[str] = []
    excluded: list[str] = []
    for pattern in _patterns(limit):
        if pattern.startswith("!"):
            excluded.append(pattern[1:])
        elif pattern:
            chosen.append(pattern)
    components = config.all_components()
    _check_patterns([*chosen, *excluded], components, limit, option)
    left: list[Component] = []
    for component in components:
        is_chosen = not chosen or _matches(component, *chosen)
        if is_chosen and not _matches(component, *excluded):
            left.append(component)
    if not left:
        raise ConfigError(f"{option}: {limit!r} excludes every component; exclude fewer")
    return config.with_components(left)


def _patterns(limit: str) -> list[str]:
    """Split a limit at its commas, but not at those of a range."""
    protected = RANGE.sub(lambda found: found[0].replace(",", PLACE), limit)
    return [pattern.strip().replace(PLACE, ",") for pattern in protected.split(",")]


def _check_patterns(patterns: Sequence[str], components: Sequence[Component], limit: str, option: str) -> None:
    """Raise ConfigError for each pattern that matches no component, or for `limit` if it has no pattern."""
    strays: list[str] = [] if patterns else [limit]
    for pattern in patterns:
        if not any(_matches(component, pattern) for component in components):
            strays.append(pattern)
    if strays:
        raise ConfigError(
            *(f"{option}: {stray!r} matches no component; {_meant(stray, components)}" for stray in strays)
        )


def _meant(stray: str, components: Sequence[Component]) -> str:
    """Return the hint for a pattern that matches no component."""
    known: list[str] = []
    for component in components:
        known += names(component)
    plain = "".join(char for char in stray if char not in "*?[]!")
    return hint(plain, known, f"must match one of {_listed(components)}")


def limit_to_components(components: Sequence[Component], config: Config, was_limited: bool) -> str:
    """Return the pattern that chooses these components of `config`.

    `was_limited` if `config` does not hold all components of its file.

    All components of a host become `HOST/*`, unless that could name others too. More than MOST_NAMES hosts become a
    range: `node[1-60]/*`.
    """
    chosen = {component.label for component in components}
    own: dict[str, list[str]] = {}
    for component in in_natural_order(config.all_components()):
        own.setdefault(component.host, []).append(component.label)
    hosts: dict[str, list[str]] = {}  # by the rest of the pattern
    for host in sorted({component.host for component in components}, key=natural_key):
        is_whole = not was_limited and chosen.issuperset(own[host])
        rests = ["/*"] if is_whole else [_literal(each)[len(_literal(host)) :] for each in own[host] if each in chosen]
        for rest in dict.fromkeys(rests):
            hosts.setdefault(rest, []).append(host)
    short = {rest: _range(names, list(own)) for rest, names in hosts.items() if len(names) > MOST_NAMES}
    patterns = [f"{pattern}{rest}" for rest, found in short.items() for pattern in found]
    for host in sorted(own, key=natural_key):
        patterns += [f"{_literal(host)}{rest}" for rest, names in hosts.items() if rest not in short and host in names]
    return ",".join(patterns)


def limit_to_others(components: Sequence[Component], config: Config, given: str = "") -> str:
    """Return the limit that excludes all components on the hosts of these ones. It is empty if none remains.

    `given` is the limit that `config` has already. Of its patterns, those that match only excluded components are left
    out.

        >>> config = Config([Component(name="db", host=host) for host in ("node1", "node2", "node3")])
        >>> dead = config.all_components()[1:2]
        >>> limit_to_others(dead, config), limit_to_others(dead, config, "node1/*,node2/*,node3/*")
        ('!node2/*', 'node1/*,node3/*')
    """
    excluded = {component.host for component in components}
    others = [component for component in config.all_components() if component.host not in excluded]
    if not others:
        return ""
    patterns = [each for each in _patterns(given) if each.startswith("!") or any(_matches(one, each) for one in others)]
    chosen = [each for each in patterns if each and not each.startswith("!")]
    theirs = [one for one in config.all_components() if one.host in excluded]
    matched = {one.host for one in theirs if not chosen or _matches(one, *chosen)}
    left = [one for one in theirs if one.host in matched]
    if left:
        patterns += [f"!{pattern}" for pattern in _patterns(limit_to_components(left, config, was_limited=False))]
    return ",".join(filter(None, patterns))


def _range(chosen: Sequence[str], hosts: Sequence[str]) -> list[str]:
    """Return patterns for the chosen ones of `hosts`: a range for those with numbers, and one for each other host."""
    from ClusterShell.NodeSet import RESOLVER_NOGROUP, NodeSet

    numbered = [host for host in chosen if NUMBERED.fullmatch(host)]
    pattern = str(NodeSet.fromlist(numbered, resolver=RESOLVER_NOGROUP))
    matching = {host for host in hosts for each in _patterns(pattern) if _expression(each).match(host)}
    if not numbered or matching != set(numbered):  # it has numbers that are too long, for example
        return [_literal(host) for host in chosen]
    return [*_patterns(pattern), *(_literal(host) for host in chosen if host not in matching)]


def _literal(name: str) -> str:
    """Return a pattern that matches `name`, and hardly anything else.

    A comma would separate patterns, and `limited` strips spaces around a pattern. A `?` stands for each of them.
    """
    middle = glob.escape(name.strip()).replace(",", "?")
    from_middle = name.lstrip()
    leading, trailing = len(name) - len(from_middle), len(from_middle) - len(name.strip())
    return "".ljust(leading, "?") + middle + "".ljust(trailing, "?")


def _listed(components: Sequence[Component], most: int | None = 20) -> str:
    labels = [component.label for component in components[:most]]
    if len(labels) < len(components):
        labels.append("...")
    return ", ".join(labels)


def names(component: Component) -> tuple[str, ...]:
    """Return the texts that a pattern can match.

    These are the name, `host/name`, and the host in three forms: alone, with its port, and as it stands in the config.
    An IPv6 address may have brackets, too. A copy also has the names of its original.
    """
    with_port, bare = component.host.rpartition("@")[2], bare_host(component.host)
    own = (component.name, bare, with_port, component.host, component.label)
    in_brackets = (f"[{bare}]",) if ":" in bare else ()
    return (*own, *in_brackets, *copied_names(component))


def bare_host(host: str) -> str:
    """Return the host without user and port: `node1`, or an IPv6 address without brackets."""
    name = parsed(host)
    return name.host if name else host


def copied_names(component: Component) -> tuple[str, ...]:
    """Return the names of its original if it is a copy. `util.numbered` stores them in `meta`."""
    return tuple(name for name in component.meta.get(COPY_OF, ()) if isinstance(name, str))


def _matches(component: Component, *patterns: str) -> bool:
    texts = names(component)
    return any(_expression(pattern).match(text) for pattern in patterns for text in texts)


@functools.cache
def _expression(pattern: str) -> re.Pattern[str]:
    """Return the regular expression of a pattern. Raise ConfigError for an invalid range."""
    pattern = ADDRESS.sub("[[]", _without_uri(pattern))
    expression = fnmatch.translate(RANGE.sub(PLACE, pattern))
    for found in RANGE.finditer(pattern):
        expression = expression.replace(PLACE, f"(?:{'|'.join(_numbers(found[1]))})", 1)
    return re.compile(expression)


def _without_uri(pattern: str) -> str:
    """Return a pattern that begins with `ssh://` in the spelling that components have."""
    if not pattern.startswith(URI):
        return pattern
    host, slash, name = pattern.removeprefix(URI).partition("/")
    spelled = str(usual(URI + host)).removeprefix(URI)  # with a wildcard in it, only the beginning is removed
    return f"{spelled}{slash}{name}" if name else spelled


def _numbers(ranges: str) -> list[str]:
    """Return the numbers of ranges such as `1-3,10`. Leading zeros count: `01-03` holds `02`, but not `2`."""
    from ClusterShell.RangeSet import RangeSet, RangeSetException

    try:
        return list(RangeSet(ranges))
    except RangeSetException as error:
        raise ConfigError(f"[{ranges}]: invalid range of hosts: {error}") from error
