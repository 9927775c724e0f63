"""Components that `--limit` selects."""

from collections.abc import Iterable

import pytest

from rr_config import Component, Config, ConfigError
from rr_config.hosts.limit import component_named, limit_to_components, limited

CONFIG = Config(
    Component(name=name, host=host, executable="x", start_index=1)
    for host in ("node1", "user@node2:2222", "localhost")
    for name in ("server", "client-1", "client-2")
)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("server", ["node1/server", "user@node2:2222/server", "localhost/server"]),
        ("node1", ["node1/server", "node1/client-1", "node1/client-2"]),
        ("node2", ["user@node2:2222/server", "user@node2:2222/client-1", "user@node2:2222/client-2"]),
        ("user@node2:2222/server", ["user@node2:2222/server"]),
        ("node1/client-*", ["node1/client-1", "node1/client-2"]),
        ("node?,!client-*", ["node1/server", "user@node2:2222/server"]),
        ("!node*, !server", ["localhost/client-1", "localhost/client-2"]),
        ("client-[2-9], localhost/server", ["node1/client-2", "user@node2:2222/client-2", "localhost/server", "localhost/client-2"]),
        ("!server,server,node1", ["node1/client-1", "node1/client-2"]),
    ],
)  # fmt: skip
def test_limit_chooses(limit: str, expected: list[str]) -> None:
    chosen = [component.label for component in limited(CONFIG, limit).all_components()]
    assert sorted(chosen) == sorted(expected)


@pytest.mark.parametrize(
    ("limit", "expected"),
    [
        ("node[1-60]", ["node1/a", "node7/a", "node12/a", "node60/a"]),
        ("node[7,12]/a,x01", ["node7/a", "node12/a", "x01/a"]),
        ("!node[2-60]", ["node1/a", "x01/a", "x1/a"]),
        ("x[01-10]", ["x01/a"]),
        ("x[1-10]", ["x1/a"]),
        ("no*[10-15]/?", ["node12/a"]),
        ("node[12]", ["node1/a"]),  # a set of characters, as in the shell
        ("[mn]ode[1-1]", ["node1/a"]),
    ],
)
def test_limit_reads_host_ranges(limit: str, expected: list[str]) -> None:
    hosts = ("node1", "node7", "node12", "node60", "x01", "x1")
    config = Config(Component(name="a", host=host, executable="x", start_index=1) for host in hosts)
    assert [component.label for component in limited(config, limit).all_components()] == expected


def test_reversed_range_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^\[9-1\]: invalid range of hosts: "):
        limited(CONFIG, "node[9-1]")


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ("serve", "--limit: 'serve' matches no component; did you mean server?"),
        ("clent*", "--limit: 'clent*' matches no component; did you mean client-"),
        ("!nodee1", "--limit: 'nodee1' matches no component; did you mean node1?"),
        ("xyz", "--limit: 'xyz' matches no component; must match one of node1/server, node1/client-1, "),
        ("server,!nod", "--limit: 'nod' matches no component; did you mean node"),
        ("SERVER", "--limit: 'SERVER' matches no component; did you mean server?"),
        ("node1,!node1", "--limit: 'node1,!node1' excludes every component; exclude fewer"),
        ("", "--limit: '' matches no component"),
        (" , ", "--limit: ' , ' matches no component"),
    ],
)
def test_empty_limit_is_refused(limit: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        limited(CONFIG, limit)
    assert str(caught.value).startswith(message)


def test_component_is_found_by_host_and_name() -> None:
    config = Config([*CONFIG.all_components(), Component(name="only", host="node1", executable="x", start_index=1)])
    assert component_named(config, "only").label == "node1/only"
    assert component_named(config, "user@node2:2222/server").label == "user@node2:2222/server"
    with pytest.raises(ConfigError) as several:
        component_named(config, "server")
    labels = "node1/server, user@node2:2222/server, localhost/server"
    assert str(several.value) == f"server: ambiguous component; must be one of {labels}"
    with pytest.raises(ConfigError) as none:
        component_named(config, "serv*")
    assert str(none.value).startswith("serv*: unknown component; did you mean server?")


@pytest.mark.parametrize("name", ["a", " a", "a ", "\t", "b,c", "!d", "e[1]*", "a b", "? x"])
def test_printed_limit_chooses_one(name: str) -> None:
    components = [Component(name=each, host="root@127.0.0.99:2", executable="x") for each in (name, "other")]
    config = Config(components)
    for only, was_limited in ((config, True), (Config(components[:1]), True)):
        limit = limit_to_components(only.all_components(), only, was_limited)
        assert limited(config, limit).all_components() == only.all_components()


def components_on(hosts: Iterable[str], *names: str) -> list[Component]:
    return [Component(name=name, host=host, executable="x") for host in hosts for name in names]


@pytest.mark.parametrize(
    ("hosts", "printed"),
    [
        (["node2", "node1", "node3"], "node1/a,node2/a,node3/a"),
        ([f"node{number}" for number in (1, 2, 3, 10)], "node[1-3,10]/a"),
        ([f"u@n{number}:22" for number in range(1, 5)], "u@n[1-4]:22/a"),
        (["x", *(f"n{number:02}" for number in range(1, 12))], "n[01-11]/a,x/a"),
        (["v", "w", "x", "y"], "v/a,w/a,x/a,y/a"),
        ([f"n{number}" for number in (1111111, 1111112, 1111113, 1111114)], ",".join(f"n111111{n}/a" for n in "1234")),
    ],
)
def test_printed_limit_has_host_ranges(hosts: list[str], printed: str) -> None:
    config = Config(components_on([*hosts, "node0", "node"], "a", "b"))
    chosen = components_on(hosts, "a")
    limit = limit_to_components(chosen, config, False)
    assert limit == printed
    assert {each.label for each in limited(config, limit).all_components()} == {each.label for each in chosen}


def test_printed_limit_is_short_for_many() -> None:
    config = Config(components_on([f"node{number}" for number in range(1, 61)], "a", "b", "c"))
    every = config.all_components()
    some = [each for each in every if each.name != "a" or each.host in ("node3", "node9")]
    assert limit_to_components(some, config, False) == "node[1-2,4-8,10-60]/b,node[1-2,4-8,10-60]/c,node3/*,node9/*"
    assert limit_to_components(every, config, False) == "node[1-60]/*"


@pytest.mark.parametrize(
    ("limit", "host"),
    [
        ("[::1]:2222", "[::1]:2222"),
        ("[::1]:2222/a", "[::1]:2222"),
        ("[fd00::*]:22", "u@[fd00::1]:22"),
        ("fd00::1", "u@[fd00::1]:22"),
        ("u@[fd00::1]:22/*", "u@[fd00::1]:22"),
        ("[fd00::2]", "fd00::2"),
        ("[fe80::1%eth0]", "fe80::1%eth0"),
        ("ssh://u@127.0.0.1:22", "u@127.0.0.1:22"),
        ("ssh://u@127.0.0.1:22/a", "u@127.0.0.1:22"),
        ("ssh://u@127*", "u@127.0.0.1:22"),
    ],
)
def test_addresses_and_uris_select(limit: str, host: str) -> None:
    hosts = ("[::1]:2222", "u@[fd00::1]:22", "fd00::2", "ssh://u@127.0.0.1:22", "fe80::1%eth0", "node1")
    config = Config([Component(name="a", host=each) for each in hosts])
    assert [each.host for each in limited(config, limit).all_components()] == [host]


def test_repeated_limit_selects_an_address() -> None:
    config = Config([Component(name="a", host=host) for host in ("[::1]:2222", "[::2]:2222", "::1")])
    for component in config.all_components():
        again = limited(config, limit_to_components([component], config, False))
        assert again.all_components() == [component]
