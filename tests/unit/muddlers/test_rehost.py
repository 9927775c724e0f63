"""Test `rehost`: other hosts for components."""

from rr_config.testing import muddled
from rr_config.util import scoped
from tests.support.muddled_configs import TWO, refusal, told


def test_rehost_replaces_or_spreads() -> None:
    config = TWO + "add('client')\nadd('d', 'node3')\n"
    at = {name: each.host for name, each in told("rehost --hosts x,y", config).items()}
    assert at == {"server": "x", "client-node2": "y", "client": "x", "d": "x"} or at == {
        "server": "x",
        "client": "x",
        "d": "x",
    }
    found = muddled(config, "rehost --hosts x,y --spread")
    assert [(each.name, each.host) for each in found] == [
        ("server", "x"),
        ("client", "y"),
        ("client", "x"),
        ("d", "y"),
    ]
    found = muddled(config, "rehost --hosts x")
    assert [each.name for each in found] == ["server", "client-node2", "client-node1", "d"]
    assert refusal("rehost --hosts ,") == "rehost --hosts: required, and must have at least one host (is ',')"


def test_local_program_is_sent_to_new_host() -> None:
    config = TWO + "add('a', 'localhost', executable='tools/a')\n"
    found = told("rehost --hosts node7 --only a", config)["a"]
    assert found.executable == "a" and list(found.files.values()) == ["a"]
    assert next(iter(found.files)).endswith("/tools/a")
    for wrap in ("wrap --with nice", "wrap --with 'env A={results}'", "stagger --delay 1"):
        both = muddled(
            config + "add('b', 'localhost', executable='tools/a')\n", wrap, "rehost --hosts node7 --only localhost"
        )
        moved = both[-1]
        assert [path.rpartition("/")[2] for path in moved.files] == ["a"]
        assert "./a" in moved.args and not any(str(arg).endswith("/tools/a") for arg in moved.args)


def test_brought_files_ignore_own_home() -> None:
    config = TWO + "add('a', executable='/bin/x', files={'f': '~/f'}, env={'HOME': '/srv'})\n"
    found = told("rehost --hosts localhost", config)["a"]
    (target,) = (arg for arg in found.args if arg == "$HOME/f")
    assert isinstance(target, scoped) and target.env == {}
