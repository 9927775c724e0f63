"""Contenders that connect, and that start programs on hosts."""

import json
import shlex
import sys
from functools import partial
from pathlib import Path

from tests.support.farm import own_name

from .contender import OURS, Contender, on_each, run
from .copying import rsync
from .field import FAB, OWN, ROOT, Field, check_sleepers
from .peers import PEERS, python_of


def connect(field: Field) -> dict[str, Contender]:
    """Connect for the first time and run one command."""
    own: list[str | Path] = [sys.executable, "-m", "bench.one_command", field.ssh_config, *field.names]
    clush = ["-q", "-f", "64", "-w", ",".join(field.names), "-o", f"-F {field.ssh_config}", "true"]
    pdsh = ["env", f"PDSH_SSH_ARGS_APPEND=-F {field.ssh_config}", "pdsh", "-S", "-R", "ssh", "-f", "64"]
    targets = [f"{host.address}:{field.ports[host.name]}" for host in field.hosts]
    pssh: list[str | Path] = [python_of(PEERS), ROOT / "bench/parallel_ssh.py", own_name(), field.farm.key, *targets]
    login: list[str | Path] = [own_name(), field.farm.key, field.known_hosts, *targets]
    return {
        OURS: Contender(own),
        "clush": Contender([PEERS / "bin/clush", *clush]),
        "parallel-ssh": Contender(pssh),
        "pdsh": Contender([*pdsh, "-w", ",".join(field.names), "true"]),
        "asyncssh": Contender([python_of(PEERS), ROOT / "bench/async_ssh.py", *login]),
    }


def start(field: Field) -> dict[str, Contender]:
    """Start 10 components on each host, with two start indices, in existing sessions."""
    text = f"""
for host in {field.names}:
    for number in range(10):
        config.add_component(Component(name=f"sleeper{{number}}", host=host, executable="/bin/sleep",
                                       args=["1007"], start_index=number // 5, base_dir="~"))
"""
    config = field.config("start", text)
    orders = ["\\n".join(name for name in field.names for _ in range(5))] * 2
    one = f"{field.ssh()} {{}} screen -S theirs -X screen sleep 1008"
    theirs = " && ".join(f"printf '{order}\\n' | xargs -P 8 -I{{}} {one}" for order in orders)

    def end() -> None:
        run(field.own("kill", config))
        for host in field.hosts:
            host.run("screen -S theirs -X quit; true")

    def prepare_ours() -> None:
        end()
        run(field.own("screen", config))

    def prepare_theirs() -> None:
        end()
        for host in field.hosts:
            host.run("screen -dmS theirs")

    return {
        OURS: Contender(field.own("start", config), prepare_ours, partial(check_sleepers, field, "1007", 80), end),
        "ssh HOST screen": Contender(
            ["sh", "-c", theirs], prepare_theirs, partial(check_sleepers, field, "1008", 80), end
        ),
    }


def run_unchanged(field: Field) -> dict[str, Contender]:
    """Run a config whose 2,000 files are on all hosts."""
    source = field.many(2000)
    text = f"""
for host in {field.names}:
    config.add_component(Component(name="sleeper", host=host, executable="/bin/sleep", args=["1010"], start_index=1,
                                   base_dir="~", files={{{str(source)!r}: "ours"}}))
"""
    config = field.config("run", text)
    connects, copies = on_each(field, f"{field.ssh()} {{}} true"), rsync(field, "-ac", source, "rsync")
    theirs = f"{shlex.join(connects)} && {shlex.join(copies)}"
    check = partial(check_sleepers, field, "1010", len(field.hosts))
    return {
        OURS: Contender(field.own("run", config), check=check, clean_up=lambda: run(field.own("kill", config))),
        "ssh true, rsync -ac": Contender(["sh", "-c", theirs]),
    }


DUCKTAPE = """
from ducktape.mark.resource import cluster
from ducktape.services.service import Service
from ducktape.tests.test import Test

class Sleeper(Service):
    logs = {"output": {"path": "sleeper.output", "collect_default": True}}

    def start_node(self, node):
        node.account.ssh("sh -c 'echo up; exec sleep 1011' >sleeper.output 2>&1 </dev/null &")

    def stop_node(self, node):
        node.account.ssh("kill $(pgrep -x -f 'sleep 1011' -s 0) || kill $(pgrep -x -f 'sleep 1011')", allow_fail=True)

    def clean_node(self, node):
        node.account.ssh("rm -f sleeper.output")

class Sleep(Test):
    def __init__(self, test_context):
        super().__init__(test_context)
        self.sleeper = Sleeper(test_context, COUNT)

    @cluster(num_nodes=COUNT)
    def test(self):
        self.sleeper.start()
"""


def services(field: Field) -> dict[str, Contender]:
    """Start one program on each host, bring its output, and stop it."""
    text = f"""
for host in {field.names}:
    config.add_component(Component(name="sleeper", host=host, executable="/bin/sh",
                                   args=["-c", "echo up; exec sleep 1012"], start_index=1, base_dir="~"))
"""
    config, results = field.config("services", text), field.folder / "results"
    steps = [field.own("run", config), [*field.own("collect", config), "--to", results], field.own("kill", config)]
    ours = " && ".join(shlex.join(map(str, step)) for step in steps)
    nodes = []
    for host in field.hosts:
        place = {"host": host.name, "hostname": host.address, "port": field.ports[host.name]}
        nodes.append({"ssh_config": place | {"user": own_name(), "identityfile": str(field.farm.key)}})
    cluster, test = field.folder / "cluster.json", field.folder / "test_sleep.py"
    cluster.write_text(json.dumps({"nodes": nodes}))
    test.write_text(DUCKTAPE.replace("COUNT", str(len(nodes))))
    options: list[str | Path] = [
        "--cluster",
        "ducktape.cluster.json.JsonCluster",
        "--cluster-file",
        cluster,
        "--results-root",
    ]

    def check() -> None:
        found = [path for path in field.folder.rglob("*output") if path.read_text() == "up\n"]
        assert len(found) >= len(nodes), f"{len(found)} outputs"

    return {
        OURS: Contender(["sh", "-c", ours], check=check),
        "ducktape": Contender([PEERS / "bin/ducktape", test, *options, field.folder / "ducktape"], check=check),
    }


def list_commands(field: Field) -> dict[str, Contender]:
    """Run a command line that does no work."""
    fab: list[str | Path] = [FAB, "-r", ROOT]
    return {OURS: Contender([*fab, "--list"]), "fab --version": Contender([*fab, "--version"])}


def begin(field: Field) -> dict[str, Contender]:
    """Run `remote-runner` and `fab` so that they do no work."""
    return {OURS: Contender([OWN, "--version"]), "fab --version": Contender([FAB, "--version"])}
