"""Runs the same config on other hosts, or all of it on localhost.

    --muddler "rehost --hosts node7,node8"
    --muddler "rehost --hosts localhost"

The first host of the config becomes the first of --hosts, the second the second, and so on, over again where there are
more. With --spread it goes by component, not by host. All paths stay as they are. Where two components of one name come
to be on one host, each has the host that it had before at the end of its name. On localhost, files are copied to their
places when the component starts.
"""

import os
import posixpath
from collections import Counter
from itertools import cycle
from pathlib import Path

from rr_config import ConfigError
from rr_config.limit import bare_host

# Others may copy to the same place at the same time, and cp refuses what was not there when it looked.
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
    parser.add_argument("--hosts", metavar="HOSTS", help="the new hosts, with commas between them; must be said")
    parser.add_argument("--spread", action="store_true", help="spread components over them one by one")


def muddle(config):
    given = extra_options.hosts or ""
    if isinstance(given, str):
        given = given.split(",")
    hosts = [host for host in given if host]
    if not hosts:
        raise ConfigError(f"rehost --hosts: is {extra_options.hosts!r}; it must name a host, or several")
    components = util.chosen(config, extra_options.only)
    following = cycle(hosts)
    places = {}
    for component in components:
        if component.host not in places:
            places[component.host] = next(following)
    following = cycle(hosts)
    moves = [(each, next(following) if extra_options.spread else places[each.host]) for each in components]
    taken = Counter((host, component.name) for component, host in moves)
    for component, host in moves:
        if component.meta.get("has_address") and host != component.host:
            raise ConfigError(
                f"{component.label}: harnesses have the addresses of their hosts already; put ta1 and ta3 behind rehost"
            )
        if taken[host, component.name] > 1:
            component.name += f"-{component.host}"
        move(component, host)
    check_pinned(config)


def check_pinned(config):
    """Raise ConfigError where two are pinned to one core of a host, now that they share it."""
    taken = set()
    for component in util.chosen(config):
        own = {(bare_host(component.host), processor) for processor in component.meta.get("processors", ())}
        if own & taken:
            raise ConfigError(f"{component.label}: is pinned to a core that another one has; put pin behind rehost")
        taken |= own


def move(component, host):
    """Let `component` run on `host`, with its files."""
    was_local, component.host = component.is_local, host
    if was_local and not component.is_local:
        path = os.fspath(component.meta.pop("program", component.executable))
        name = posixpath.basename(path)
        component.files = {path: name}
        if path == os.fspath(component.executable):
            component.executable = name
        else:  # it has been wrapped
            component.args = [util.literal(f"./{name}") if arg == path else arg for arg in component.args]
    elif component.is_local and not was_local:
        bring_files(component)


def bring_files(component):
    """Let a component that is on localhost now copy its files to where they were to be on its host."""
    executable = os.fspath(component.executable)
    if component.base_dir and not os.fspath(component.base_dir).startswith(("/", "~")):
        component.base_dir = f"~/{component.base_dir}"  # as it is on a host
    given, prepare = [], BRING
    for number, (local, remote) in enumerate(component.files.items()):
        given += [util.literal(Path(local).expanduser().absolute()), place(component, os.fspath(remote))]
        prepare += f'bring "${{{2 * number + 1}}}" "${{{2 * number + 2}}}" && '
    component.files = {}
    if not executable.startswith(("/", "~")):  # relative to the folder where it starts, and not to the config
        component.args = ["-c", util.literal('exec "$@"'), "sh", util.literal(f"./{executable}"), *component.args]
        component.executable = "/bin/sh"
    if given:
        util.wrap(component, prepare=f"{prepare}:", given=given)


def place(component, path):
    """A remote path as an argument."""
    if not path.startswith("~"):
        return util.literal(path)
    home, _, rest = path.partition("/")
    if home != "~" or "$" in rest:
        raise ConfigError(f"{component.label}.files: {path}: cannot be copied to on localhost; give a full path")
    return f"$HOME/{rest}"
