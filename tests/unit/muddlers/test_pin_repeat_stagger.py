"""Test `pin`, `repeat` and `stagger`: cores, copies and delays."""

from pathlib import Path

from rr_config.testing import muddled
from rr_config.util import literal, scoped
from tests.support.configs import write
from tests.support.muddled_configs import TWO, refusal, told


def test_pin_assigns_cores_in_order(tmp_path: Path) -> None:
    config = TWO + "add('b', num_cores=3)\n"
    found = told("pin", config)
    assert [found[name].args[:2] for name in ("server", "client", "b")] == [
        ["taskset", "0x1"],
        ["taskset", "0x3"],
        ["taskset", "0xe"],
    ]
    info = write(tmp_path / "hosts.txt", "node1 8 m y\nnode2 2 m n\n")
    found = told(f"pin --host-info {info} --numactl --first 1 --only node1", config)
    assert found["b"].args[:3] == ["numactl", "--physcpubind=4,5,6,7,8,9", "--localalloc"]
    found = told(f"pin --host-info {info} --pairs apart --only node1", config)
    assert (found["server"].args[1], found["b"].args[1]) == ("0x101", "0xe0e")
    said = refusal(f"pin --host-info {info} --first 1", config=config)
    assert said == "node2: too few cores for client (needs 2; 1 of 2 free)"
    said = refusal(f"pin --host-info {info}", config=config + "add('c', 'node3')\n")
    assert said.startswith("node3/c.host: missing in --host-info ")
    said = refusal("pin", config=config + "add('c', num_cores=0)\n")
    assert said == "node1/c.num_cores: invalid value 0; must be at least 1 to pin it"


def test_two_pins_share_no_core(tmp_path: Path) -> None:
    info = write(tmp_path / "hosts.txt", "node1 8 m n\nnode2 8 m y\n")
    for more in ("", f" --host-info {info}"):
        found = muddled(TWO + "add('b', 'me@node1:22')\n", f"pin --only server{more}", f"pin --only !server{more}")
        masks = {each.name: each.args[1] for each in found}
        assert masks == {"server": "0x1", "client": "0xf" if more else "0x3", "b": "0x2"}


def test_repeat_numbers_all_texts() -> None:
    config = """
config.add_component(Component(name="c%n", host="h", executable="x%n", args=["%n", util.literal("%n$a"), 3], start_index=1,
    base_dir="/b%n", env={"N": "n%n"}, results=["r%n"], files={"f": "f%n"}, meta={"m": 1}))
config.add_component(Component(name="d", host="h%n", executable="x", start_index=1, ready=util.log("n%n"), needs=["t%n"], args=[util.scoped("%n$a", {"a": "a%n"})]))
"""
    found = told("repeat --copies 2 --from 9 --only c*", config)
    assert list(found) == ["c9", "c10", "d"]
    ten = found["c10"]
    assert (ten.executable, ten.args, ten.env, ten.results) == ("/b10/x10", ["10", "10$a", "3"], {"N": "n10"}, ["r10"])
    assert [type(arg) for arg in ten.args] == [str, literal, str]
    assert list(ten.files.values()) == ["/b10/f10"]
    assert ten.meta == {"m": 1, "copy_of": ["c%n", "h/c%n"]}
    found = told("repeat --copies 2 --only d", config)
    assert list(found) == ["c%n", "d-1", "d-2"]
    two = found["d-2"]
    assert (two.host, two.needs, two.ready and two.ready.value) == ("h2", ["t2"], "n2")
    (arg,) = two.args
    assert isinstance(arg, scoped) and (arg, arg.env) == ("2$a", {"a": "a2"})
    assert refusal("repeat --copies 0") == "repeat --copies: required, and must be at least 1 (is 0)"


def test_copies_are_found_by_their_name() -> None:
    found = muddled(TWO, "repeat --copies 2", "repeat --copies 2 --only client-1", "pin --only client")
    assert [each.name for each in found] == ["server-1", "server-2", "client-1-1", "client-1-2", "client-2"]
    assert ["taskset" in each.args for each in found] == [False, False, True, True, True]
    found = muddled(TWO, "repeat --copies 2", "wrap --with nice --only node2/client")
    assert ["nice" in each.args for each in found] == [False, False, True, True]


def test_pinned_components_share_no_core() -> None:
    said = refusal("pin", "repeat --copies 2")
    assert said == "node1/server: copies would share its cores; put --muddler repeat before pin"
    said = refusal("pin", "rehost --hosts x")
    assert said == "x/client: core is already used on this host; put --muddler rehost before pin"
    assert [each.host for each in muddled(TWO, "pin", "rehost --hosts x,y")] == ["x", "y"]


def test_stagger_delays_start_and_ready() -> None:
    config = TWO + "add('b', ready=util.port(80, timeout=5))\nadd('c', start_index=2)\n"
    found = told("stagger --delay 1.5", config)
    waits = {name: each.args[3] if each.args[:1] == ["-c"] else None for name, each in found.items()}
    assert waits == {"server": None, "client": "1.500", "b": "3.000", "c": None}
    assert found["b"].ready and found["b"].ready.timeout == 8
    assert refusal("stagger --delay nan") == "stagger --delay: required, and must be at least 0 seconds (is nan)"


def test_dollar_in_a_name_is_literal() -> None:
    (found,) = muddled(TWO.replace('"server"', '"s$HOME"'), "wrap --with 'env N={name} H=$HOME' --only 's*'")[:1]
    named, home = found.args[1:3]
    assert (named, home) == ("N=s$HOME", "H=$HOME")
    assert [isinstance(word, literal) for word in (named, home)] == [True, False]
