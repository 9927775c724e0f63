"""Configure components that bring files and leave a mark when they start."""

from tests.support.farm import ThrowawayHost
from tests.support.lab import Lab

COMPLETE = 'c = Component(name="web", executable="/bin/true", host="node1", start_index=1)\n'
ADD = "config.add_component(c)\n"
# A component on each of `hosts` that brings `files` and creates ~/was-started when it starts.
ON_HOSTS = """
for host in {hosts}:
    config.add_component(Component(
        name="web", executable="/bin/touch", args=["$HOME/was-started"], host=host, start_index=1,
        base_dir="~/work", files={files},
    ))
"""


def configure(lab: Lab, hosts: list[str], files: dict[str, str] | None = None) -> None:
    """Write a config for `hosts` that brings `files`. By default, there is one file named `good`.

    Each file contains its own name.
    """
    files = files or {"good": "good"}
    lab.config(ON_HOSTS.format(hosts=hosts, files=files))
    for name in files:
        lab.write(name, name)


def assert_synced(host: ThrowawayHost, name: str = "good") -> None:
    assert (host.home / "work" / name).read_text() == name


def assert_nothing_later(*hosts: ThrowawayHost) -> None:
    """Check that the hosts have no session and started no program."""
    for host in hosts:
        assert host.sessions() == []
        assert_nothing_started(host)


def assert_nothing_started(*hosts: ThrowawayHost) -> None:
    for host in hosts:
        assert not (host.home / "was-started").exists()
