"""Define the rows of the benchmark."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import attrs

from . import copying, running
from .contender import Contender
from .field import Field


@attrs.frozen
class Row:
    """One row of the table.

    Ours may need at most `times` the value of the best peer in `against`, plus `plus`. `figure` is the compared value:
    `wall` or `cpu` in seconds, or `memory`, the peak in MB. Other peers are only reported.
    `hosts` is the number of hosts. `contenders` returns the contenders for a field with that many hosts. A row that
    `can_be_far` is measured once more with latency.
    """

    name: str
    work: str
    hosts: int
    contenders: Callable[[Field], Mapping[str, Contender]]
    against: Sequence[str] = ()
    times: float = 1
    plus: float = 0
    figure: str = "wall"
    can_be_far: bool = True


CONNECT = ["clush", "parallel-ssh", "pdsh", "asyncssh"]


def rows(slow_peers: bool) -> list[Row]:
    """Return all rows. With `slow_peers`, they include Ansible and pyinfra."""
    same, new = (partial(copying.copy_many, keep, slow_peers=slow_peers) for keep in (True, False))
    memory = partial(Row, plus=120, figure="memory", can_be_far=False)
    cpu = partial(Row, figure="cpu", can_be_far=False)
    return [
        Row("same-1", "nothing changed, 2,000 files, 1 host", 1, same, ["rsync -ac"]),
        Row("same-8", "nothing changed, 2,000 files, 8 hosts", 8, same, ["rsync -ac"], 0.7),
        Row("new-1", "all new, 2,000 files, 1 host", 1, new, ["rsync -a"], 0.8),
        Row("new-8", "all new, 2,000 files, 8 hosts", 8, new, ["rsync -a"], 0.6),
        Row("big-1", "all new, 256 MB, 1 host", 1, copying.copy_big, ["scp"], 0.9),
        Row("big-4", "all new, 256 MB, 4 hosts", 4, copying.copy_big, ["scp"], 0.8),
        Row("one-byte", "1 byte differs in 256 MB, 1 host", 1, copying.change_one_byte, ["scp"], 1.2),
        Row("connect-50", "first connect and one command, 50 hosts", 50, running.connect, CONNECT, 0.6),
        Row("start-80", "start 80 components, 8 hosts, 2 indices", 8, running.start, ["ssh HOST screen"], 0.25),
        Row("run-8", "whole run, nothing changed", 8, running.run_unchanged, ["ssh true, rsync -ac"], 0.8),
        Row("services-8", "start 8 programs on 8 hosts, collect, stop", 8, running.services, ["ducktape"]),
        cpu("relay-8", "CPU of 128 MB to 8 hosts", 8, copying.relay, ["without --relay"], 0.25),
        memory("memory-large", "peak memory, one file of 2 GB, 1 host", 1, copying.copy_huge),
        memory("memory-many", "peak memory, 20,000 files, 8 hosts", 8, copying.copy_very_many),
        cpu("list", "CPU of fab --list", 0, running.list_commands, ["fab --version"], plus=0.15),
        cpu("begin", "CPU of remote-runner --version", 0, running.begin, ["fab --version"], plus=0.05),
    ]
