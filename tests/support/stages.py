"""Configure components with two start indices that count their starts."""

import contextlib
import os
from collections.abc import Callable, Iterator

from tests.support.farm import ThrowawayHost
from tests.support.lab import Lab
from tests.support.waiting import eventually

CONFIG = """
for host in {hosts}:
    for name, index in {components}:
        config.add_component(Component(
            name=name, host=host, executable="/bin/sh", args=["-c", "echo >>" + name + "; exec sleep 1000"],
            start_index=index, base_dir="~", files={{}} if host == "localhost" else {{"f": "f"}},
        ))
"""
ALL = ["node1", "node2", "node3"]


def configure(lab: Lab, hosts: list[str] = ALL, components: str = "[('a', 1), ('b', 2)]") -> None:
    lab.write("f", "content")
    lab.config(CONFIG.format(hosts=hosts, components=components))


def started(host: ThrowawayHost) -> list[str]:
    """Return the names of started components, repeated for each start."""
    return sorted(path.name * path.read_text().count("\n") for path in host.home.glob("[ab]"))


@contextlib.contextmanager
def broken(host: ThrowawayHost) -> Iterator[None]:
    """Put a folder in the place of a file on the host, so that sync fails."""
    (host.home / "f").mkdir()
    yield
    (host.home / "f").rmdir()


@contextlib.contextmanager
def hanging_kill(host: ThrowawayHost) -> Iterator[Callable[[], None]]:
    """Make `fab kill` hang on a host when it reads a file.

    Yield a function that waits until it hangs.
    """
    host.state().mkdir(parents=True, mode=0o700)
    fifo = host.state() / ".sessions"
    os.mkfifo(fifo)
    with contextlib.ExitStack() as stack:

        def is_read() -> bool:
            with contextlib.suppress(OSError):  # ENXIO until a process reads it
                stack.callback(os.close, os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
                return True
            return False

        yield lambda: eventually(is_read, "kill reads the file")
