"""Test `--muddler ta1`: client and server under harnesses, on two hosts and on localhost."""

import re

import pytest

from tests.support.collections import collections_in
from tests.support.config_texts import CLIENT_AND_SERVER as CONFIG
from tests.support.config_texts import HOST_ADDRESSES as HOSTS
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.ports import free_ports
from tests.support.soak import often

SERVER = """#!/usr/bin/env python3
# server.py PORT: answer each line in upper case.
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
# client.py PORT: send each line of stdin to the server, and print the answer.
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


def run(lab: Lab, server: str, client: str, broken: str = "") -> tuple[int, str]:
    """Run the test. Return the exit code of `fab run` and the verdict of the client's harness."""
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


@pytest.mark.parametrize(
    ("server", "client"), often([("node1", "node2"), ("localhost", "localhost")], [("node1", "node1")])
)
def test_ta1_passes_on_hosts_and_here(lab: Lab, server: str, client: str) -> None:
    status, verdict = run(lab, server, client)
    assert (status, verdict.split(" in ")[0]) == (0, "PASSED: 11 steps"), verdict
    (folder,) = collections_in(lab.folder / "results")
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


def test_broken_client_fails_ta1(lab: Lab) -> None:
    status, verdict = run(lab, "node1", "node2", broken="broken")
    assert status == 1
    assert verdict.startswith("FAILED: sample.ts:") and "client: ended with exit status 1" in verdict
    assert not lab.node1.sessions() and not lab.node2.sessions()


# -- components that the muddler creates


def test_ta1_is_listed_with_options(lab: Lab) -> None:
    lab.write("muddlers/mine.py", '"""Mine."""\ndef muddle(config): pass\n')
    lab.write("muddlers/bad.py", "def add_arguments(parser): 1 / 0\ndef muddle(config): pass\n")
    lab.config("")
    shown = lab.run("muddlers").stdout
    assert "\n  --hosts-file FILE" in shown.replace("    --", "  --")
    assert re.search(r"^mine  Mine\.  \(.*\)\n(?! )", shown, re.MULTILINE)
    assert "(options unknown: " in shown and "bad.py:1: ZeroDivisionError" in shown
