"""Which cores of a host are whose, by a host info file. For the muddlers that pin."""

from pathlib import Path

import attrs

from rr_config import ConfigError
from rr_config.limit import bare_host

ADJACENT, APART = "adjacent", "apart"
FORM = "HOST CORES MODEL HYPERTHREADED, the last of them y or n"


@attrs.define
class Host:
    """A host of the file. `taken` are the cores that belong to somebody."""

    name: str
    cores: int
    model: str
    is_hyperthreaded: bool
    taken: set = attrs.field(factory=set)
    pairs: str = ADJACENT

    @property
    def free(self):
        return self.cores - len(self.taken)

    def take(self, count, what):
        """The next `count` cores, as numbers of processors: of a hyperthreaded core, both. `what` they are for."""
        if count > self.free:
            raise ConfigError(
                f"{self.name}: has {self.cores} cores, of which {self.free} are free, and {what} wants {count}:"
                f" {count - self.free} too many"
            )
        free = [core for core in range(self.cores) if core not in self.taken]
        processors = []
        for core in free[:count]:
            self.taken.add(core)
            processors += self.processors(core)
        return processors

    def take_back(self, processors):
        """Let the cores of these processors be taken: somebody has got them before."""
        self.taken.update(core for core in range(self.cores) if set(self.processors(core)) & set(processors))

    def processors(self, core):
        if not self.is_hyperthreaded:
            return [core]
        return [2 * core, 2 * core + 1] if self.pairs == ADJACENT else [core, core + self.cores]


def add_pairs(parser):
    """Add the option that says which processors are two of one core."""
    parser.add_argument(
        "--pairs",
        choices=(ADJACENT, APART),
        default=ADJACENT,
        help="a hyperthreaded core N of C is processors 2N and 2N+1 (adjacent, if not said), or N and N+C (apart);"
        " `lscpu -e` tells",
    )


def read(path, pairs=ADJACENT):
    """The hosts of a host info file, by name. Empty lines, and those that begin with #, say nothing."""
    hosts = {}
    try:
        lines = Path(path).expanduser().read_text("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        raise ConfigError(f"--host-info {path}: {error.strerror}; name a file with a line a host: {FORM}") from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 4 or not words[1].isdecimal() or int(words[1]) < 1 or words[3] not in ("y", "n"):
            raise ConfigError(f"--host-info {path}:{number}: {line.strip()!r} is not of the form: {FORM}")
        if words[0] in hosts:
            raise ConfigError(f"--host-info {path}:{number}: {words[0]} has a line already; take one of them away")
        hosts[words[0]] = Host(words[0], int(words[1]), words[2], words[3] == "y", pairs=pairs)
    return hosts


def of(component, hosts, path):
    """The host of `component`, as the file spells it: as the config does, or without user and port."""
    for name in (component.host, component.host.rpartition("@")[2], bare_host(component.host)):
        if name in hosts:
            return hosts[name]
    raise ConfigError(f"{component.label}.host: is not among the hosts of --host-info {path}; add a line: {FORM}")


def wanted(component):
    """How many cores a component wants to have. ConfigError where that is no number of cores."""
    if not isinstance(component.num_cores, int) or component.num_cores < 1:
        raise ConfigError(f"{component.label}.num_cores: is {component.num_cores!r}; pin needs 1 or more")
    return component.num_cores


def mask(processors):
    """Numbers of processors as a mask for taskset."""
    return hex(sum(1 << processor for processor in processors))
