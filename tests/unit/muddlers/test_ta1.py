"""Test the components that `--muddler ta1` creates."""

from pathlib import Path

import pytest

from tests.support.config_texts import CLIENT_AND_SERVER as CONFIG
from tests.support.config_texts import HOST_ADDRESSES as HOSTS
from tests.support.configs import loaded, refused, write


def prepare(folder: Path) -> str:
    """Write the files that the muddler needs. Return a config with client and server on two hosts."""
    write(folder / "tests/t.ts", "start *\n")
    write(folder / "tests/queries/q", "")
    write(folder / "hosts.csv", HOSTS)
    for name in ("server.py", "client.py"):
        write(folder / name, "")
    return CONFIG.format(server="me@node1:22", client="me@node2:2222", broken="", port=1, base_dir="/b")


def test_addresses_come_from_hosts_file(tmp_path: Path) -> None:
    found = loaded(tmp_path, prepare(tmp_path), muddler=["ta1 --test t --hosts-file hosts.csv"])
    by_name = {each.name: each for each in found.all_components()}
    assert list(by_name) == ["server-harness", "client-harness", "third-party"]
    server, client = by_name["server-harness"], by_name["client-harness"]
    assert (client.wait, server.wait, client.start_index, server.start_index) == (True, False, 3, 2)
    assert server.args[server.args.index("--master") + 1] == "127.0.0.1"
    assert {"/b/.harness/tests/t.ts", "/b/.harness/tests/queries", "/b/client.py"} <= set(client.files.values())
    assert client.args[-6:] == ["-p", "./client.py", "-a", "3", "1", "", "$HOME"][-6:]
    assert client.results == ["results/t/client-harness"]


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ("", "ta1 --test: missing; must be the name of a test in --test-dir"),
        ("--test none", "--script FOLDER/tests/none.ts: No such file or directory"),
        ("--test t", "ta1 --hosts-file: missing; must have the address of the client's host for the server"),
        ("--test t --hosts-file no.csv", "--hosts-file no.csv: No such file or directory"),
        (
            "--test t --hosts-file server.csv",
            "--hosts-file server.csv: missing columns; the first line must be host,ip",
        ),
        (
            "--test t --hosts-file few.csv",
            "me@node2:2222/client.host: missing in --hosts-file few.csv; add a line",
        ),
        ("--test t --hosts-file short.csv", "--hosts-file short.csv: node2: missing ip; add it to the line"),
        ("--test t --hosts-file empty.csv", "--hosts-file empty.csv: node2: missing ip; add it to the line"),
        (
            "--test t --only server",
            "--muddler ta1: needs exactly one component `client` and one `server`; see --only",
        ),
    ],
)
def test_missing_values_are_refused(tmp_path: Path, told: str, message: str) -> None:
    config = prepare(tmp_path)
    write(tmp_path / "server.csv", "name,address\nx,y\n")
    write(tmp_path / "few.csv", "host,ip\nnode1,10.0.0.1\n")
    write(tmp_path / "short.csv", "host,ip\nnode2\n")
    write(tmp_path / "empty.csv", "host,ip\nnode2,\n")
    assert refused(tmp_path, config, muddler=[f"ta1 {told}"]) == message


def test_hosts_file_may_be_a_spreadsheet(tmp_path: Path) -> None:
    config = prepare(tmp_path)
    (tmp_path / "odd.csv").write_bytes(b"\xef\xbb\xbfhost, ip\r\n\xff, 1\r\nnode2, 10.0.0.2\r\n")
    found = loaded(tmp_path, config, muddler=["ta1 --test t --hosts-file odd.csv"])
    (server,) = [each for each in found.all_components() if each.name == "server-harness"]
    assert server.args[server.args.index("--master") + 1] == "10.0.0.2"
