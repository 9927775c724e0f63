"""Run the same config on other hosts, or all of it on localhost.

    --muddler "rehost --hosts node7,node8"
    --muddler "rehost --hosts localhost"

The first host of the config becomes the first of --hosts, the second host the second, and so on. If the config has
more hosts, the list starts again. With --spread, components instead of hosts are assigned in this way. All paths stay
the same. If two components with the same name end up on one host, each gets its old host appended to its name. On
localhost, each component copies its files to their places when it starts.
"""

import os
import posixpath
from collections import Counter
from itertools import cycle
from pathlib import Path

from rr_config import ConfigError
from rr_config.hosts.limit import bare_host

# Components may copy to the same place at the same time. cp then fails on a file that appeared meanwhile, so retry.
BRING = """\
again() { "$@" 2>/dev/null || "$@" 2>/dev/null || "$@"; }
bring() {
  if [ -d "$1" ]; then mkdir -p -- "$2" && again cp -RLpf -- "$1/." "$2"
  else
    case $2 in */) mkdir -p -- "$2" ;; */*) mkdir -p -- "${2%/*}" ;; esac && again cp -Lpf -- "$1" "$2"
  fi
}
"""


def add_arguments(parser):
    parser.add_argument("--hosts", metavar="HOSTS", help="new hosts, separated by commas (required)")
    parser.add_argument("--spread", action="store_true", help="assign components, not hosts, in turn to the new hosts")


def muddle(config):
    given = extra_options.hosts or ""
    if isinstance(given, str):
        given = given.split(",")
    hosts = list(filter(None, given))
    if not hosts:
        raise ConfigError(f"rehost --hosts: required, and must have at least one host (is {extra_options.hosts!r})")
    components = util.chosen(config, extra_options.only)
    old_hosts = [component.host for component in components]
    places = dict(zip(dict.fromkeys(old_hosts), cycle(hosts), strict=False))
    new_hosts = cycle(hosts) if extra_options.spread else map(places.get, old_hosts)
    moves = list(zip(components, new_hosts, strict=False))
    taken = Counter((host, component.name) for component, host in moves)
    for component, host in moves:
        if component.meta.get("has_address") and host != component.host:
            hint = "put --muddler rehost before ta1 and ta3"
            raise ConfigError(f"{component.label}: cannot move a harness to another host; {hint}")
        if taken[host, component.name] > 1:
            component.name += f"-{component.host}"
        move(component, host)
    check_pinned(config)


def check_pinned(config):
    """Raise ConfigError if two components on the same host are pinned to the same core."""
    taken = set()
    for component in util.chosen(config):
        own = {(bare_host(component.host), processor) for processor in component.meta.get("processors", ())}
        if own & taken:
            raise ConfigError(f"{component.label}: core is already used on this host; put --muddler rehost before pin")
        taken |= own


def move(component, host):
    """Move `component` and its files to `host`."""
    was_local, component.host = component.is_local, host
    if was_local and not component.is_local:
        path = os.fspath(component.meta.pop("program", component.executable))
        name = posixpath.basename(path)
        component.files = {path: name}
        if path == os.fspath(component.executable):
            component.executable = name
        else:  # another muddler wrapped it
            component.args = [util.literal(f"./{name}") if arg == path else arg for arg in component.args]
    elif component.is_local and not was_local:
        bring_files(component)


def bring_files(component):
    """Make a component that now runs on localhost copy its files to the places that they had on its host."""
    executable = os.fspath(component.executable)
    if component.base_dir and not os.fspath(component.base_dir).startswith(("/", "~")):
        component.base_dir = f"~/{component.base_dir}"  # on a host, it is relative to the home
    given, prepare = [], BRING
    for number, (local, remote) in enumerate(component.files.items()):
        given += [util.literal(Path(local).expanduser().absolute()), place(component, os.fspath(remote))]
        prepare += f'bring "${{{2 * number + 1}}}" "${{{2 * number + 2}}}" && '
    component.files = {}
    if not executable.startswith(("/", "~")):  # relative to its base_dir, not to the config file
        component.args = ["-c", util.literal('exec "$@"'), "sh", util.literal(f"./{executable}"), *component.args]
        component.executable = "/bin/sh"
    if given:
        util.wrap(component, prepare=f"{prepare}:", given=given)


def place(component, path):
    """Return a remote path as an argument of sh on localhost.

    Raises ConfigError for the home of another user, which has no variable, and for a `$` below `~`.
    """
    if not path.startswith("~"):
        return util.literal(path)
    home, _, rest = path.partition("/")
    if home != "~" or "$" in rest:
        raise ConfigError(f"{component.label}.files: {path}: invalid target on localhost; must be an absolute path")
    return util.scoped(f"$HOME/{rest}")
