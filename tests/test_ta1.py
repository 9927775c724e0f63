"""`--muddler ta1`: client and server under harnesses that talk, on two hosts and on localhost; what is brought and made."""

import re
from pathlib import Path

import pytest

from .configs import loaded, refused, write
from .conftest import Lab, text
from .test_example import free_ports

SERVER = """#!/usr/bin/env python3
# server.py PORT: answers each line with itself in capitals.
import socketserver, sys

class Client(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(line.upper())

socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer.daemon_threads = True
with socketserver.ThreadingTCPServer(("127.0.0.1", int(sys.argv[1])), Client) as server:
    print("listening for", *sys.argv[2:], flush=True)
    server.serve_forever()
"""
CLIENT = """#!/usr/bin/env python3
# client.py PORT: sends each line of its input to the server, and shows the answer.
import socket, sys

if "broken" in sys.argv:
    sys.exit("client: broken")
with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as server:
    answers = server.makefile("r")
    print("connected", flush=True)
    for line in sys.stdin:
        server.sendall(line.encode())
        print("answer:", answers.readline().strip(), flush=True)
print("done", flush=True)
"""
SCRIPT = """
start server
await server 'listening for a b' within 20
start client
await client connected within 20
feed client queries/first.txt
feed client beside.txt
await client 'answer: SELECT \\$HOME, 2' within 20
send client 'last one'
await client 'answer: LAST ONE' within 20
close client
end client
"""
CONFIG = """
for name, host, index in (("server", {server!r}, 2), ("client", {client!r}, 3)):
    config.add_component(Component(
        name=name, host=host, executable=f"{{name}}.py", start_index=index, base_dir={base_dir!r},
        args=[{port}, "a b" if name == "server" else {broken!r}, util.literal("$HOME")],
        files={{}} if host == localhost else {{f"{{name}}.py": f"{{name}}.py"}},
    ))
config.add_component(Component(name="third-party", host={server!r}, executable="/bin/true", start_index=1))
"""
HOSTS = "host,ip\nnode2,127.0.0.1\nlocalhost,127.0.0.1\n"


def run(lab: Lab, server: str, client: str, broken: str = "") -> tuple[int, str]:
    """Exit code of `fab run`, and the verdict of the client's harness."""
    lab.write("server.py", SERVER, 0o755)
    lab.write("client.py", CLIENT, 0o755)
    lab.write("hosts.csv", HOSTS)
    lab.write("tests/sample.ts", SCRIPT)
    lab.write("tests/beside.txt", "three\n")
    lab.write("tests/queries/first.txt", "select 1\nselect $HOME, 2\n")
    port, own = free_ports(2), free_ports(2) + 1
    base_dir = None if "localhost" in (server, client) else "~/ta1"
    lab.config(CONFIG.format(server=server, client=client, broken=broken, port=port, base_dir=base_dir))
    given = ["-m", f"ta1 --test sample --hosts-file hosts.csv --debug --port {own}", "-c", "cfg.py"]
    done = lab.fab("run", *given, "--collect")
    assert "Traceback" not in done.stdout + done.stderr
    logs = lab.fab("logs", "--raw", *given, "--limit", "client-harness").stdout
    (verdict,) = re.findall("(?:PASSED|FAILED).*", logs)
    lab.fab("kill", *given)
    return done.returncode, verdict


@pytest.mark.parametrize(("server", "client"), [("node1", "node2"), ("localhost", "localhost"), ("node1", "node1")])
def test_test_passes_on_two_hosts_on_one_and_here(lab: Lab, server: str, client: str) -> None:
    status, verdict = run(lab, server, client)
    assert (status, verdict.split(" in ")[0]) == (0, "PASSED: 11 steps"), verdict
    (folder,) = (lab.folder / "results").iterdir()
    (log,) = folder.rglob("client.out")
    answers = [line.partition(" ")[2] for line in log.read_text().splitlines()]
    assert answers == [
        "connected",
        "answer: SELECT 1",
        "answer: SELECT $HOME, 2",
        "answer: THREE",
        "answer: LAST ONE",
        "done",
    ]
    (sent,) = folder.rglob("client.in")
    assert [line.partition(" ")[2] for line in text(sent).splitlines()] == [
        "select 1",
        "select $HOME, 2",
        "three",
        "last one",
    ]
    assert text(*folder.rglob("server.out")).endswith(" listening for a b $HOME\n")


def test_broken_client_fails_the_test(lab: Lab) -> None:
    status, verdict = run(lab, "node1", "node2", broken="broken")
    assert status == 1
    assert verdict.startswith("FAILED: sample.ts:") and "client: has ended with exit status 1" in verdict
    assert not lab.node1.sessions() and not lab.node2.sessions()


# -- what the muddler makes


def prepare(folder: Path) -> str:
    """A config whose client and server are on two hosts, with all that the muddler wants."""
    write(folder / "tests/t.ts", "start *\n")
    write(folder / "tests/queries/q", "")
    write(folder / "hosts.csv", HOSTS)
    for name in ("server.py", "client.py"):
        write(folder / name, "")
    return CONFIG.format(server="me@node1:22", client="me@node2:2222", broken="", port=1, base_dir="/b")


def test_addresses_come_from_the_hosts_file_and_files_are_brought(tmp_path: Path) -> None:
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
        ("", "ta1 --test: is missing; name a test of --test-dir"),
        ("--test none", "--script FOLDER/tests/none.ts: No such file or directory"),
        ("--test t", "ta1 --hosts-file: is missing; at which address does the server find the client's host?"),
        ("--test t --hosts-file no.csv", "--hosts-file no.csv: No such file or directory"),
        ("--test t --hosts-file server.csv", "--hosts-file server.csv: its first line is to name the columns: host,ip"),
        (
            "--test t --hosts-file few.csv",
            "me@node2:2222/client.host: is not among the hosts of --hosts-file few.csv; add a line",
        ),
        ("--test t --hosts-file short.csv", "--hosts-file short.csv: node2: has no ip; add it to that line"),
        ("--test t --hosts-file empty.csv", "--hosts-file empty.csv: node2: has no ip; add it to that line"),
        (
            "--test t --only server",
            "--muddler ta1: a config has one component named client, and one named server; see --only",
        ),
    ],
)
def test_what_is_missing_is_refused(tmp_path: Path, told: str, message: str) -> None:
    config = prepare(tmp_path)
    write(tmp_path / "server.csv", "name,address\nx,y\n")
    write(tmp_path / "few.csv", "host,ip\nnode1,10.0.0.1\n")
    write(tmp_path / "short.csv", "host,ip\nnode2\n")
    write(tmp_path / "empty.csv", "host,ip\nnode2,\n")
    assert refused(tmp_path, config, muddler=[f"ta1 {told}"]) == message


def test_hosts_file_may_be_as_spreadsheets_write_it(tmp_path: Path) -> None:
    config = prepare(tmp_path)
    (tmp_path / "odd.csv").write_bytes(b"\xef\xbb\xbfhost, ip\r\n\xff, 1\r\nnode2, 10.0.0.2\r\n")
    found = loaded(tmp_path, config, muddler=["ta1 --test t --hosts-file odd.csv"])
    (server,) = [each for each in found.all_components() if each.name == "server-harness"]
    assert server.args[server.args.index("--master") + 1] == "10.0.0.2"


def test_it_is_listed_with_its_options(lab: Lab) -> None:
    lab.write("muddlers/mine.py", '"""Mine."""\ndef muddle(config): pass\n')
    lab.write("muddlers/bad.py", "def add_arguments(parser): 1 / 0\ndef muddle(config): pass\n")
    lab.config("")
    shown = lab.run("muddlers").stdout
    assert "\n  --hosts-file FILE" in shown.replace("    --", "  --")
    assert re.search(r"^mine  Mine\.  \(.*\)\n(?! )", shown, re.MULTILINE)
    assert "(its options cannot be told: " in shown and "bad.py:1: ZeroDivisionError" in shown
