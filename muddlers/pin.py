"""Pins each component to `num_cores` cores of its host, that no other pinned one has.

    --muddler "pin --host-info hosts.txt --only 'server*'"

The cores of a host are given out in the order of the config, from core --first on. Without --host-info, nobody knows
here how many there are, nor which processors are two of one core: then a core is a processor, and one too many is
refused by the host, when the component starts.
"""

import _cores

from rr_config import ConfigError
from rr_config.limit import bare_host

UNKNOWN = 1 << 20  # cores, of which there is always one more


def add_arguments(parser):
    parser.add_argument(
        "--host-info",
        metavar="FILE",
        help="a line a host: its name, how many cores, its model, and y or n for hyperthreaded",
    )
    _cores.add_pairs(parser)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="leave that many cores of each host free")
    parser.add_argument("--numactl", action="store_true", help="by numactl, which keeps memory near, not by taskset")


def muddle(config):
    if extra_options.first < 0:
        raise ConfigError(f"pin --first {extra_options.first}: must be 0 or more")
    path = extra_options.host_info
    known = _cores.read(path, extra_options.pairs) if path else {}
    for host in known.values():
        host.take(extra_options.first, "--first")
    if not path:
        for name in {bare_host(component.host) for component in util.chosen(config)}:
            known[name] = _cores.Host(name, UNKNOWN, "", False, set(range(extra_options.first)))
    for component in util.chosen(config):
        if "processors" in component.meta:  # by another pin before
            _cores.of(component, known, path).take_back(component.meta["processors"])
    for component in util.chosen(config, extra_options.only):
        host = _cores.of(component, known, path)
        processors = host.take(_cores.wanted(component), component.name)
        component.meta["processors"] = [*component.meta.get("processors", ()), *processors]
        util.wrap(component, *pinned(processors))


def pinned(processors):
    """The command that runs another on these processors alone."""
    if extra_options.numactl:
        return ["numactl", f"--physcpubind={','.join(map(str, processors))}", "--localalloc"]
    return ["taskset", _cores.mask(processors)]
