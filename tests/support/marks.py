"""Components that bring files and leave a mark if they are started."""

from tests.support.farm import ThrowawayHost
from tests.support.lab import Lab

COMPLETE = 'c = Component(name="web", executable="/bin/true", host="node1", start_index=1)\n'
ADD = "config.add_component(c)\n"
# A component on each of `hosts` that brings `files` and leaves a mark, should it ever be started.
ON_HOSTS = """
for host in {hosts}:
    config.add_component(Component(
        name="web", executable="/bin/touch", args=["$HOME/was-started"], host=host, start_index=1,
        base_dir="~/work", files={files},
    ))
"""


def configure(lab: Lab, hosts: list[str], files: dict[str, str] | None = None) -> None:
    """A config for `hosts` that brings `files`, each of which holds its own name; without any, one named `good`."""
    files = files or {"good": "good"}
    lab.config(ON_HOSTS.format(hosts=hosts, files=files))
    for name in files:
        lab.write(name, name)


def assert_synced(host: ThrowawayHost, name: str = "good") -> None:
    assert (host.home / "work" / name).read_text() == name


def assert_nothing_later(*hosts: ThrowawayHost) -> None:
    """Neither was a session made on any of the hosts, nor a program started."""
    for host in hosts:
        assert host.sessions() == []
        assert_nothing_started(host)


def assert_nothing_started(*hosts: ThrowawayHost) -> None:
    for host in hosts:
        assert not (host.home / "was-started").exists()
