"""Pin each component to `num_cores` cores of its host, which no other component gets.

    --muddler "pin --host-info hosts.txt --only 'server*'"

Cores are assigned in the order of the config, starting at core --first. Without --host-info, the muddler knows neither
the number of cores nor which processors share a core. It then treats each core as one processor. If the numbers exceed
the host's processors, taskset fails on the host when the component starts.
"""

import _cores

from rr_config import ConfigError
from rr_config.hosts.limit import bare_host

UNKNOWN = 1 << 20  # a number of cores that no config reaches


def add_arguments(parser):
    add = parser.add_argument
    add("--host-info", metavar="FILE", help="file with one line per host, HOST CORES MODEL HYPERTHREADED (y or n)")
    pairs = "processors of core N on a hyperthreaded host with C cores: 2N and 2N+1 (adjacent) or N and N+C (apart)"
    pairs += "; see lscpu -e (default: adjacent)"
    add("--pairs", choices=("adjacent", "apart"), default="adjacent", help=pairs)
    add("--first", type=int, default=0, metavar="N", help="cores to keep free per host (default: 0)")
    add("--numactl", action="store_true", help="use numactl with local memory instead of taskset")


def muddle(config):
    if extra_options.first < 0:
        raise ConfigError(f"pin --first {extra_options.first}: must be at least 0")
    path = extra_options.host_info
    known = _cores.read(path, extra_options.pairs) if path else {}
    for host in known.values():
        host.take(extra_options.first, "--first")
    if not path:
        for name in {bare_host(component.host) for component in util.chosen(config)}:
            known[name] = _cores.Host(name, UNKNOWN, "", False, set(range(extra_options.first)))
    for component in util.chosen(config):
        if "processors" in component.meta:  # from an earlier pin
            _cores.of(component, known, path).take_back(component.meta["processors"])
    for component in util.chosen(config, extra_options.only):
        host = _cores.of(component, known, path)
        processors = host.take(_cores.wanted(component), component.name)
        component.meta["processors"] = [*component.meta.get("processors", ()), *processors]
        util.wrap(component, *pinned(processors))


def pinned(processors):
    """Return the command that runs another command on these processors only."""
    if extra_options.numactl:
        return ["numactl", f"--physcpubind={','.join(map(str, processors))}", "--localalloc"]
    return ["taskset", _cores.mask(processors)]
