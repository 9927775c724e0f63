"""Validate a config: every attribute, every local file, and every remote path of a file.

Nothing here changes a component. `paths` resolves paths before `check_files`.
"""

import os
import posixpath
import re
import signal
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from .component import Component, Config
from .errors import ConfigError
from .local_files import Placed, Unusable, placed_files
from .ready import Ready


def check_attributes(config: Config) -> None:
    """Raise ConfigError with all mistakes if attributes are missing or invalid, or if a host has a name twice."""
    components = list(config.all_components())
    if not components:
        raise ConfigError("config: has no components; add them with config.add_component(...)")
    problems = list(_wrong_settings(config))
    for number, component in enumerate(components, 1):
        problems += _wrong_attributes(component, number)
    if not problems:
        problems = list(_names_taken_twice(components))
    if problems:
        raise ConfigError(*problems)


def check_files(config: Config) -> None:
    """Raise ConfigError if a local file cannot be sent, or if two files have the same remote path.

    Paths must be resolved by `paths.resolved`.
    """
    problems: dict[str, None] = {}  # an ordered set, because hosts share files: report each problem once
    looked_up: dict[tuple[tuple[str, str], ...], tuple[Placed | Unusable, ...]] = {}
    hosts: defaultdict[str, list[Component]] = defaultdict(list)
    for component in config.all_remote_components():
        hosts[component.host].append(component)
    # Check hosts that get the same files only once.
    distinct = {frozenset((_owner(c), tuple(c.files.items())) for c in own): own for own in reversed(hosts.values())}
    for own in reversed(distinct.values()):
        taken: dict[tuple[str, str], Placed] = {}
        for component in own:
            problems |= dict.fromkeys(_ways_out(component))
            key = tuple(component.files.items())
            if key not in looked_up:
                looked_up[key] = tuple(placed_files(component.files))
            for found in looked_up[key]:
                if isinstance(found, Unusable):
                    problems[f"{component.name}.files: {found.path}: {found.reason}"] = None
                else:
                    problems |= dict.fromkeys(_conflict(component, found, taken))
        problems |= dict.fromkeys(_files_used_as_folders(own[0].host, taken))
    if problems:
        raise ConfigError(*problems)


def _wrong_settings(config: Config) -> Iterator[str]:
    """Yield what is wrong with `project` and `screen`."""
    if config.project is not None and not _is_text(config.project):
        yield f"config.project: is {_shown(config.project)}; it must be a text that is not empty, or None"
    if config.screen is not None and not is_session_name(config.screen):
        yield f"config.screen: is {_shown(config.screen)}; {SESSION_NAME_HINT}"


# Names that `screen -S` accepts unchanged: no slash, no dot or dash in front, and room for `PID.` in a file name.
SESSION_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,79}")
SESSION_NAME_HINT = "cannot be the name of a session; use up to 80 letters, digits and . _ - + @ ="


def is_session_name(value: object) -> bool:
    """Return whether screen accepts the name of a session unchanged."""
    return isinstance(value, str) and SESSION_NAME.fullmatch(value) is not None


def _wrong_attributes(component: Component, number: int) -> Iterator[str]:
    who = _who(component, number)
    for name, (is_right, expected) in EXPECTED.items():
        value = getattr(component, name, None)
        if value is None and name in REQUIRED:
            yield f"{who}.{name}: is not set; it must be {expected}"
        elif not is_right(value):
            yield f"{who}.{name}: is {_shown(value)}; it must be {expected}"
    if component.is_local and component.files:
        yield f"{who}.files: is not empty; a component of localhost finds its files where they are"


def _who(component: Component, number: int) -> str:
    if isinstance(component.name, str) and component.name:
        who = component.label if isinstance(component.host, str) else component.name
        return who if who.isprintable() else repr(who)
    return f"component {number}"


def _shown(value: object) -> str:
    text = repr(value)
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != "" and _is_sendable(value)


def _is_sendable(text: str) -> bool:
    """Return whether Linux accepts it as a file name or an argument."""
    try:
        return b"\0" not in os.fsencode(text)
    except UnicodeEncodeError:
        return False


def _is_path(value: object) -> bool:
    return isinstance(value, str | os.PathLike) and _is_text(os.fspath(value))


# [USER@]HOST[:PORT], or [USER@]ADDRESS for an IPv6 address, which contains colons. Fabric parses hosts in this way.
HOST_SPELLING = re.compile(
    r"(?:[^@\s-][^\s]*@)?(?:[^@:\s-][^@:\s]*(?::(?P<port>[0-9]+))?|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[^@\s]*)"
)


def _is_host(value: object) -> bool:
    if not _is_text(value) or not str(value).isprintable():
        return False
    match = HOST_SPELLING.fullmatch(str(value))
    return match is not None and 0 < int(match["port"] or 22) < 65536


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _are_args(value: object) -> bool:
    if not isinstance(value, list | tuple):
        return False
    return all(_is_arg(v) and _is_sendable(str(v)) for v in value)


def _is_arg(value: object) -> bool:
    return isinstance(value, str | int | float | os.PathLike) and not isinstance(value, bool)


def _is_env(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(name, str) and VARIABLE.fullmatch(name) and not NOT_OURS.fullmatch(name) and _are_args([text])
        for name, text in value.items()
    )


# VARIABLE is the syntax of a variable name in sh. NOT_OURS are variables that bash or dash set themselves, and those
# that identify the processes of a component.
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
NOT_OURS = re.compile(
    r"_|E?UID|PPID|LINENO|OPTIND|S?RANDOM|(EPOCH)?SECONDS|EPOCHREALTIME|HISTCMD|FUNCNAME|GROUPS|DIRSTACK|SHELLOPTS"
    r"|BASH(OPTS|PID|_VERSINFO|_SUBSHELL|_ARGV0|_ALIASES|_CMDS|_COMMAND)|STY|REMOTE_RUNNER_COMPONENT"
)


def _are_files(value: object) -> bool:
    return isinstance(value, dict) and all(_is_path(k) and _is_path(v) for k, v in value.items())


def _are_paths(value: object) -> bool:
    return isinstance(value, list | tuple) and all(map(_is_path, value))


def _are_programs(value: object) -> bool:
    return _are_paths(value) and all(str(each).startswith("/") or not set("/~") & set(str(each)) for each in value)  # type: ignore[attr-defined]


def _is_signal(value: object) -> bool:
    return isinstance(value, str) and f"SIG{value.removeprefix('SIG')}" in signal.Signals.__members__


REQUIRED = ("name", "executable", "host", "start_index")
EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "name": (_is_text, "a text that is not empty"),
    "executable": (_is_path, "the path of the program"),
    "args": (_are_args, "a list of texts without NUL (numbers and paths are taken as text)"),
    "files": (_are_files, "a dict of local path to remote path, none of them empty"),
    "host": (_is_host, "a host name, an address, user@host:port, a Host of ~/.ssh/config, or 'localhost'"),
    "base_dir": (lambda v: v is None or _is_path(v), "a remote path, or None for a temporary folder"),
    "env": (_is_env, "a dict of names of variables, that sh does not keep to itself, to texts without NUL"),
    "start_index": (_is_whole, "a whole number"),
    "ready": (
        lambda v: v is None or isinstance(v, Ready),
        "util.port(…), util.log(…), util.command(…), util.ended(), or None",
    ),
    "wait": (lambda v: isinstance(v, bool), "True or False"),
    "num_cores": (_is_whole, "a whole number"),
    "stop_signal": (_is_signal, "the name of a signal, like 'TERM', 'INT' or 'USR1'"),
    "results": (_are_paths, "a list of remote paths or patterns, none of them empty"),
    "needs": (_are_programs, "a list of programs, each a name, to be found in PATH, or a full path"),
    "meta": (lambda v: isinstance(v, dict), "a dict"),
}


def _names_taken_twice(components: Iterable[Component]) -> Iterator[str]:
    seen: set[tuple[str, str]] = set()
    for component in components:
        key = (component.host, component.name)
        if key in seen:
            yield f"{component.label}.name: is taken by another component of this host; choose another"
        seen.add(key)


def _ways_out(component: Component) -> Iterator[str]:
    for remote in component.files.values():
        if component.base_dir is None and (remote.rstrip("/") + "/").startswith("../"):
            yield (
                f"{component.label}.files: {remote}: leads out of the temporary folder of the component;"
                " set base_dir, or give a path that begins with / or ~"
            )


def _conflict(component: Component, found: Placed, taken: dict[tuple[str, str], Placed]) -> Iterator[str]:
    """Yield an error if `found` conflicts with a file that its host gets already. Add it to `taken`."""
    # Each component has a temporary folder of its own. All components of a host share every other path.
    owner = "" if found.remote.startswith(("/", "~")) else _owner(component)
    other = taken.setdefault((owner, found.remote), found)
    both_folders = other.local.is_dir and found.local.is_dir
    if not other.local.is_same(found.local) and not both_folders:
        yield (
            f"{component.label}.files: {found.remote}: is the place of both {other.local.path}"
            f" and {found.local.path}; give one of them another place"
        )


def _owner(component: Component) -> str:
    """Return the component that owns relative remote paths. After resolving, only a temporary folder has such paths."""
    return component.name if component.base_dir is None else ""


def _files_used_as_folders(host: str, taken: Mapping[tuple[str, str], Placed]) -> Iterator[str]:
    """Yield an error for each file of a host whose path is also the folder of another file."""
    above = {(owner, posixpath.dirname(remote)) for owner, remote in taken}
    for (owner, remote), found in taken.items():
        if (owner, remote) in above and not found.local.is_dir:
            yield f"{host}: {remote}: is the place of {found.local.path}, and a folder for others; it cannot be both"
