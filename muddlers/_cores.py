"""Assign cores of hosts to components, as a host info file describes them. For muddlers that pin."""

from pathlib import Path

import attrs

from rr_config import ConfigError
from rr_config.hosts.limit import bare_host

FORM = "HOST CORES MODEL HYPERTHREADED (y or n)"


@attrs.define
class Host:
    """A host of the file. `taken` holds the numbers of the cores that are assigned already."""

    name: str
    cores: int
    model: str
    is_hyperthreaded: bool
    taken: set = attrs.field(factory=set)
    pairs: str = "adjacent"

    @property
    def free(self):
        return self.cores - len(self.taken)

    def take(self, count, purpose):
        """Assign the next `count` free cores; return the numbers of their processors.

        A core of a hyperthreaded host has two processors. `purpose` names the owner in the error message.
        Raises ConfigError if too few cores are free.
        """
        if count > self.free:
            found = f"needs {count}; {self.free} of {self.cores} free"
            raise ConfigError(f"{self.name}: too few cores for {purpose} ({found})")
        free = [core for core in range(self.cores) if core not in self.taken]
        processors = []
        for core in free[:count]:
            self.taken.add(core)
            processors += self.processors(core)
        return processors

    def take_back(self, processors):
        """Mark the cores of these processors as taken, because an earlier muddler assigned them."""
        self.taken.update(core for core in range(self.cores) if set(self.processors(core)) & set(processors))

    def processors(self, core):
        if not self.is_hyperthreaded:
            return [core]
        return [2 * core, 2 * core + 1] if self.pairs == "adjacent" else [core, core + self.cores]


def read(path, pairs):
    """Return the hosts of a host info file, by name.

    Empty lines and lines that begin with # are ignored. Raises ConfigError for a file that cannot be read and for an
    invalid line.
    """
    hosts = {}
    try:
        lines = Path(path).expanduser().read_text("utf-8", "surrogateescape").splitlines()
    except OSError as error:
        raise ConfigError(f"--host-info {path}: {error.strerror}; expected a file with lines {FORM}") from error
    for number, line in enumerate(lines, 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 4 or not words[1].isdecimal() or int(words[1]) < 1 or words[3] not in ("y", "n"):
            raise ConfigError(f"--host-info {path}:{number}: invalid line {line.strip()!r}; must be {FORM}")
        if words[0] in hosts:
            raise ConfigError(f"--host-info {path}:{number}: duplicate host {words[0]}; remove one of its lines")
        hosts[words[0]] = Host(words[0], int(words[1]), words[2], words[3] == "y", pairs=pairs)
    return hosts


def of(component, hosts, path):
    """Return the host of `component`.

    The file may spell the host as the config does, or without user, or without user and port. Raises ConfigError if the
    file has no such host.
    """
    for name in (component.host, component.host.rpartition("@")[2], bare_host(component.host)):
        if name in hosts:
            return hosts[name]
    raise ConfigError(f"{component.label}.host: missing in --host-info {path}; add a line {FORM}")


def wanted(component):
    """Return how many cores a component needs. Raises ConfigError unless `num_cores` is a positive integer."""
    cores = component.num_cores
    if not isinstance(cores, int) or cores < 1:
        raise ConfigError(f"{component.label}.num_cores: invalid value {cores!r}; must be at least 1 to pin it")
    return cores


def mask(processors):
    """Return a CPU mask for taskset, in hexadecimal."""
    return hex(sum(1 << processor for processor in processors))
