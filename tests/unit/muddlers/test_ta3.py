"""Test `--muddler ta3`: clients on hosts, master, slaves and cores."""

import functools
import operator
import os
import subprocess
from pathlib import Path

import pytest

from rr_config import Component
from rr_config.util import literal, scoped
from rr_config.values.secrets import secrets_of
from tests.support.config_texts import HOST_INFO as HOSTS
from tests.support.config_texts import PUBLISHERS as SMALL
from tests.support.configs import loaded, refused, write


def made(folder: Path, told: str, config: str = "", hosts: str = HOSTS) -> dict[str, Component]:
    """Return the components of a small test, by name."""
    write(folder / "hosts.txt", hosts)
    return {each.name: each for each in loaded(folder, config or SMALL, muddler=[f"ta3 {told}"]).all_components()}


def clients_of(component: Component) -> list[str]:
    """Return the names of a harness's programs."""
    words = list(component.args)
    return [words[at + 1] for at, word in enumerate(words) if word == "-n" and words[at + 2] == "-p"]


@pytest.mark.parametrize(
    ("clients", "counts"),
    [(1, [1]), (2, [1, 1]), (4, [1, 1, 1, 1]), (6, [2, 2, 1, 1]), (12, [3, 3, 3, 3]), (13, [4, 3, 3, 3])],
)
def test_clients_are_spread_evenly(tmp_path: Path, clients: int, counts: list[int]) -> None:
    found = made(tmp_path, f"--clients {clients} --host-info hosts.txt")
    slaves = [each for name, each in found.items() if name.startswith("slave-harness")]
    assert [len(clients_of(slave)) for slave in slaves] == counts
    assert [slave.host for slave in slaves] == ["node1", "node2", "node3", "node4"][: len(slaves)]
    assert [name for slave in slaves for name in clients_of(slave)] == [f"client-{n}" for n in range(1, clients + 1)]
    assert clients_of(found["master-harness"]) == ["server"]
    assert found["third-party-a"].executable == "/b/x"
    assert found["master-harness"].wait and not any(slave.wait for slave in slaves)


def test_only_hosts_of_model_get_clients(tmp_path: Path) -> None:
    found = made(tmp_path, "--clients 6 --host-info hosts.txt --client-model R210")
    assert {each.host for name, each in found.items() if name.startswith("slave")} == {"node1", "node2", "node4"}
    assert "no host of --host-info has this model" in refused(
        tmp_path, SMALL, muddler=["ta3 --clients 1 --host-info hosts.txt --client-model X"]
    )


def test_core_masks_do_not_overlap(tmp_path: Path) -> None:
    found = made(tmp_path, "--clients 5 --host-info hosts.txt --pin")
    masks: dict[str, list[int]] = {}
    for component in found.values():
        words = list(component.args)
        own = [int(words[at + 1], 16) for at, word in enumerate(words) if word == "taskset" and words[at + 1] != "-a"]
        own += [int(words[at + 2], 16) for at, word in enumerate(words) if word == "-a" and words[at - 1] == "taskset"]
        masks.setdefault(component.host, []).extend(own)
    for own in masks.values():
        assert sum(own) == functools.reduce(operator.or_, own), "each core is that of one"
    # node1: master and server (1 + 3), slave and a client (1 + 2); node2: third party (2), slave and two clients.
    assert [sum(mask.bit_count() for mask in masks[host]) for host in ("node1", "node2", "node4")] == [7, 7, 3]
    assert sum(mask.bit_count() for mask in masks["node3"]) == 2 * 3, "two processors a core"
    assert {need for each in found.values() for need in each.needs} == {"taskset", "python3"}


def test_harnessed_args_see_own_env(tmp_path: Path) -> None:
    """The harness does not have the `env` of its programs, and two of them may differ."""
    text = SMALL + "add('publisher', 'node1', args=['$N', '$HOME'])\n"
    text += "[c] = [c for c in config.all_components() if c.name == 'client']\nc.env = {'N': '%n', 'y': 2}\n"
    found = made(tmp_path, "--clients 2 --host-info hosts.txt", text)
    words = found["slave-harness-2"].args
    *_, number, _, of_client, with_env = words
    assert (number, of_client, with_env) == ("2", "$x", "$y")
    assert isinstance(of_client, literal)
    assert isinstance(with_env, scoped) and with_env.env == {"N": "2", "y": "2"}
    assert not any(isinstance(word, scoped) for word in found["master-harness"].args)


@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_harness_passes_secrets_on(tmp_path: Path, sh: str) -> None:
    """Each program gets its own secrets, and no arguments show them."""
    text = SMALL + "add('publisher', 'node1', env={'PW': util.secret('TWO')})\n"
    text += "[c] = [c for c in config.all_components() if c.name == 'client']\n"
    text += "c.env = {'PW': util.secret('ONE'), 'OTHER': 'x'}\n"
    found = made(tmp_path, "--clients 1 --host-info hosts.txt", text)
    got = set()
    for harness in found.values():
        given = {name: f"{own.name} '\"$x" for name, own in secrets_of(harness.env).items()}
        for script in (arg for arg in harness.args if arg.endswith('exec "$@"')):
            environment = given | {"PATH": os.environ["PATH"]}
            done = subprocess.run([sh, "-c", script, "sh", "env"], capture_output=True, text=True, env=environment)
            got |= {line for line in done.stdout.splitlines() if "PW=" in line or "SECRET" in line}
    assert got == {"PW=ONE '\"$x", "PW=TWO '\"$x"}


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (
            "--clients 15 --host-info hosts.txt --pin",
            "ta3 --clients 15: only 9 fit (each needs 2 cores, and the harness of each host needs 1):"
            " node1 1, node2 2, node3 3, node4 3",
        ),
        ("--host-info hosts.txt", "ta3 --clients: required, and must be at least 1 (is None)"),
        ("--clients 1 --host-info hosts.txt --port 70000", "--port 70000: must be from 1 to 65535"),
        (
            "--clients 1 --host-info hosts.txt --timeout nan",
            "--timeout nan: must be a number of seconds above 0",
        ),
        ("--clients 1", "ta3 --host-info: missing; must be a file with the hosts for clients"),
        (
            "--clients 1 --host-info none",
            "--host-info none: No such file or directory; expected a file with lines"
            " HOST CORES MODEL HYPERTHREADED (y or n)",
        ),
    ],
)
def test_impossible_layout_is_refused(tmp_path: Path, told: str, message: str) -> None:
    write(tmp_path / "hosts.txt", HOSTS)
    said = refused(tmp_path, SMALL, muddler=[f"ta3 {told}"])
    assert said == message


@pytest.mark.parametrize(
    "line", ["node9 8 R210", "node9 x R210 n", "node9 0 R210 y", "node9 8 R210 maybe", "node1 4 R n", "node9 ² m y"]
)
def test_invalid_host_info_line_is_reported(tmp_path: Path, line: str) -> None:
    write(tmp_path / "hosts.txt", HOSTS + line + "\n")
    said = refused(tmp_path, SMALL, muddler=["ta3 --clients 1 --host-info hosts.txt"])
    assert said.startswith("--host-info hosts.txt:7: ")


@pytest.mark.parametrize("name", ["client", "server", "third-party-a"])
@pytest.mark.parametrize("number", ["0", "-2", "'2'"])
def test_number_of_cores_must_be_one(tmp_path: Path, name: str, number: str) -> None:
    write(tmp_path / "hosts.txt", HOSTS)
    config = SMALL + f"[c] = [c for c in config.all_components() if c.name == {name!r}]\nc.num_cores = {number}\n"
    said = refused(tmp_path, config, muddler=["ta3 --clients 1 --host-info hosts.txt --pin"])
    assert said.endswith(f"/{name}.num_cores: invalid value {number}; must be at least 1 to pin it")


def test_placed_harnesses_stay(tmp_path: Path) -> None:
    write(tmp_path / "hosts.txt", HOSTS)
    ta3 = "ta3 --clients 2 --host-info hosts.txt"
    said = refused(tmp_path, SMALL, muddler=[ta3, "rehost --hosts x,y"])
    assert said.endswith("cannot move a harness to another host; put --muddler rehost before ta1 and ta3")
    loaded(tmp_path, SMALL, muddler=[ta3, "rehost --hosts x --only third-party-a"])
    loaded(tmp_path, SMALL, muddler=[f"{ta3} --master-address 10.0.0.1", "rehost --hosts x,y"])


def test_small_server_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "hosts.txt", HOSTS.replace("node1 8", "node1 2"))
    said = refused(tmp_path, SMALL, muddler=["ta3 --clients 1 --host-info hosts.txt --pin"])
    assert said == "node1: too few cores for server (needs 3; 1 of 2 free)"


def test_script_is_read_before_any_host(tmp_path: Path) -> None:
    write(tmp_path / "hosts.txt", HOSTS)
    for content, message in (
        (
            "begin x\n",
            ":1: unknown step 'begin'; must be one of start, wait, send, feed, close, await, refuse, end, stop, shutdown",
        ),
        ("start server\nstart klient-*\n", ":2: klient-*: no program matches; must match one of server, client-1"),
        ("start server\nfeed server none\n", ":2: none: no such file beside the script"),
    ):
        write(tmp_path / "t.txt", content)
        said = refused(tmp_path, SMALL, muddler=["ta3 --clients 1 --host-info hosts.txt --script t.txt"])
        assert said == f"FOLDER/t.txt{message}"


def test_remote_publishers_have_slaves(tmp_path: Path) -> None:
    config = SMALL + 'add("publisher-b", "node3")\nadd("publisher-c", "node1")\n'
    found = made(tmp_path, "--clients 2 --host-info hosts.txt", config)
    assert clients_of(found["master-harness"]) == ["server", "publisher-c"]
    assert (clients_of(found["slave-harness-1"]), found["slave-harness-1"].host) == (["publisher-b"], "node3")


def test_hosts_are_spelled_as_in_config(tmp_path: Path) -> None:
    config = SMALL.replace('"server", "node1"', '"server", "me@node1:22"')
    found = made(tmp_path, "--clients 2 --host-info hosts.txt", config)
    assert [found[f"slave-harness-{n}"].host for n in (1, 2)] == ["me@node1:22", "node2"]
    slave = found["slave-harness-2"]
    assert slave.args[slave.args.index("--master") + 1] == "node1"
    found = made(tmp_path, "--clients 1 --host-info hosts.txt", SMALL.replace('"node1"', '"me@fe80::1"'))
    assert found["slave-harness-1"].args[slave.args.index("--master") + 1] == "fe80::1"


def test_wrong_component_is_left_to_checks(tmp_path: Path) -> None:
    write(tmp_path / "hosts.txt", HOSTS)
    for more in ("Component()", "Component(name='third-party-x', executable='x', start_index=1)"):
        config = SMALL + f"config.add_component({more})\n"
        said = refused(tmp_path, config, muddler=["ta3 --clients 1 --host-info hosts.txt --pin"])
        assert ": missing; must be " in said and "ta3.py" not in said


def test_wrapped_clients_have_own_results(tmp_path: Path) -> None:
    write(tmp_path / "hosts.txt", "node1 8 x n\n")
    wrap = "wrap --only client --with 'strace -o {results}/trace'"
    found = loaded(tmp_path, SMALL, muddler=[wrap, "ta3 --clients 2 --host-info hosts.txt"]).all_components()
    slave = found[-1]
    assert {"wrap/client-1/trace", "wrap/client-2/trace"} <= set(slave.args)
    assert {"wrap/client-1", "wrap/client-2"} <= set(slave.results) and "strace" in slave.needs
