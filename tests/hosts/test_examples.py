"""Run the examples of redis, venv and batch, each by the commands of its docstring."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.checkout import ROOT
from tests.support.collections import collections_in
from tests.support.configs import write
from tests.support.farm import ThrowawayHost, command_lines
from tests.support.lab import Lab, repeat
from tests.support.outcomes import Done
from tests.support.ports import free_ports
from tests.support.processes import is_alive
from tests.support.soak import often
from tests.support.waiting import eventually

HOSTS = "hosts=node1,node2,node3"


def succeeds(lab: Lab, *arguments: str | Path) -> Done:
    """Run `fab`, and fail the test unless it exits with 0."""
    done = lab.fab(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


def results(lab: Lab, pattern: str) -> dict[str, str]:
    """Return the text of each file that matches the pattern in the one collection, by the name of its component."""
    (folder,) = collections_in(lab.folder / "results")
    return {path.parents[1].name: path.read_text() for path in folder.glob(f"*/*/results/{pattern}")}


def redis_servers(lab: Lab) -> list[bytes]:
    """Return the command line of each Redis server on the hosts."""
    return [line for line in command_lines(lab.farm.folder).values() if line.startswith(b"redis-server")]


def redis(address: str, port: int, *command: str) -> str:
    """Return the answer of a Redis server."""
    line = ["redis-cli", "-h", address, "-p", str(port), *command]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout


def test_redis_example_measures_and_replicates(lab: Lab) -> None:
    hosts, port = list(lab.farm.hosts.values()), free_ports(3)
    addresses = [host.address for host in hosts]
    given = ["--set", HOSTS, "--set", f"addresses={','.join(addresses)}", "--set", f"port={port}"]
    given += ["--set", "requests=200", "--config", str(ROOT / "example/redis/config.py")]
    done = succeeds(lab, "run", "--collect", *given)
    ready = [done.stdout.index(f"  {label} ") for label in ("node1/primary  ready", "node3/replica-2  ready")]
    assert ready[0] < done.stdout.index("start 2  ") < ready[1] < done.stdout.index("start 3  ")

    rows = list(csv.DictReader(results(lab, "results.csv")["benchmark"].splitlines()))
    assert [row["test"] for row in rows] == ["SET", "GET"]
    assert all(float(value) >= 0 for row in rows for name, value in row.items() if name != "test")
    assert all(float(row["rps"]) > 0 for row in rows)

    primary, *replicas = [(address, port + number) for number, address in enumerate(addresses)]
    assert "\nconnected_slaves:2\n" in redis(*primary, "info", "replication")
    assert redis(*primary, "set", "fruit", "apple") == "OK\n"
    for replica in replicas:
        eventually(lambda replica=replica: redis(*replica, "get", "fruit") == "apple\n", "the key")  # type: ignore[misc]
        assert "READONLY" in redis(*replica, "set", "fruit", "pear")

    assert len(redis_servers(lab)) == 3
    succeeds(lab, "kill", *given)
    assert redis_servers(lab) == []
    left = [path for host in hosts for path in host.folder.rglob("*") if path.suffix in (".rdb", ".aof")]
    assert left == []


def test_killed_sweep_example_goes_on(lab: Lab) -> None:
    lab.farm.add("node4")
    hosts = list(lab.farm.hosts.values())
    given = ["--config", str(ROOT / "example/sweep/config.py"), "--set", f"address={hosts[0].address}"]
    given += ["--set", "hosts=node1,node2,node3,node4", "--set", f"port={free_ports(1)}", "--set", "requests=200"]
    given += ["--over", "size=16,1024", "--repeats", "2"]

    def done() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in lab.folder.glob("sweeps/config/*/[0-9]/run.json")}

    with subprocess.Popen(lab.command("sweep", *given), cwd=lab.folder, env=lab.environment) as fab:
        eventually(lambda: bool(done()) and bool(redis_servers(lab)), "the second run", seconds=40)
        fab.kill()
    before = done()
    succeeds(lab, "sweep", *given)
    assert 1 <= len(before) < len(done()) == 4 and before.items() <= done().items()
    assert redis_servers(lab) == []
    succeeds(lab, "report", "--from", "sweeps/config", "--table", "sweep.csv")
    rows = list(csv.DictReader((lab.folder / "sweep.csv").read_text().splitlines()))
    assert [(row["size"], row["repeat"]) for row in rows] == [("16", "1"), ("16", "2"), ("1024", "1"), ("1024", "2")]
    measured = [float(row[f"rate of {host.name}/load"]) for row in rows for host in hosts[1:]]
    assert all(rate > 0 for rate in measured)


def database_host(lab: Lab, name: str) -> ThrowawayHost:
    """Return a new host for PostgreSQL, which refuses root: then each login becomes the user of its package."""
    if os.getuid() != 0:
        return lab.farm.add(name)
    become = "exec setpriv --reuid=postgres --regid=postgres --clear-groups"
    host = lab.farm.add(name, {"ForceCommand": f'cd "$HOME" && {become} sh -c "$SSH_ORIGINAL_COMMAND"'})
    for folder in (host.home, host.tmp, host.folder / "screens"):
        shutil.chown(folder, "postgres", "postgres")
    for folder in (lab.farm.folder, host.folder):
        folder.chmod(0o711)
    return host


def states(lab: Lab, *given: str | Path) -> dict[str, tuple[str, int | None]]:
    """Return the state and process id of each component."""
    found = json.loads(lab.fab("status", "--json", *given).stdout)
    return {each["name"]: (each["state"], each["pid"]) for each in found}


def test_postgresql_example_replicates(lab: Lab) -> None:
    servers = {name: database_host(lab, f"host-of-{name}") for name in ("primary", "replica")}
    names, addresses = zip(*((host.name, host.address) for host in servers.values()), strict=True)
    given: list[str | Path] = ["--set", f"hosts={','.join(names)}", "--set", f"addresses={','.join(addresses)}"]
    given += ["--set", f"port={free_ports(2)}", "--config", ROOT / "example/postgresql/config.py"]
    try:
        succeeds(lab, "run", "--collect", *given)
        assert results(lab, "replication.csv")["check"].startswith("rows,looks\n1001,")
        first = states(lab, *given)
        files = [host.home / f"remote-runner-postgresql/{name}/data/postmaster.pid" for name, host in servers.items()]
        pids = [int(file.read_text().split()[0]) for file in files]
        assert [first[name] for name in servers] == [("ready", pid) for pid in pids]

        stopped = succeeds(lab, "stop", *given).stdout
        assert "2 stopped" in stopped and not any(map(is_alive, pids))
        assert [file.exists() for file in files] == [False, False]
        succeeds(lab, "start", *given)
        os.kill(states(lab, *given)["primary"][1] or 0, signal.SIGKILL)
        eventually(lambda: states(lab, *given)["primary"][0] == "lost", "the end of the primary")
        succeeds(lab, "restart", *given)
        eventually(lambda: states(lab, *given)["check"][0] == "ended", "the second check")
        assert "has all 3001 rows" in lab.fab("logs", "check", *given).stdout
        assert [states(lab, *given)[name][0] for name in servers] == ["ready", "ready"]
        succeeds(lab, "kill", *given)
    finally:
        lab.farm.folder.chmod(0o700)


QUICK_PYTHON = f"""\
#!/bin/sh
# Copies pip into no environment: that takes 6 s. The environments use the pip of the tests.
[ "$*" = '-m venv --clear venv' ] || exec {sys.base_prefix}/bin/python3 "$@"
{sys.base_prefix}/bin/python3 "$@" --without-pip
printf '#!/bin/sh\\nexec {sys.executable} -m pip --python venv/bin/python "$@"' >venv/bin/pip
chmod +x venv/bin/pip
"""


def python_host(lab: Lab, is_quick: bool) -> ThrowawayHost:
    """Return a host whose pip finds packages as on this machine, although a login does not get these variables."""
    path = "PATH=$HOME/bin:$PATH; cd && export PATH SSH_ORIGINAL_COMMAND"
    host = lab.farm.add("python", {"ForceCommand": f'{path} && exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    if is_quick:
        write(host.home / "bin/python3", QUICK_PYTHON).chmod(0o755)
    pip = {name[4:].lower().replace("_", "-"): value for name, value in os.environ.items() if name[:4] == "PIP_"}
    settings = "".join(f"{name} = {value}\n" for name, value in pip.items())
    write(host.home / ".config/pip/pip.conf", f"[global]\n{settings}")
    return host


@pytest.mark.parametrize("is_quick", often([True], [False]))
def test_venv_example_installs_once(lab: Lab, is_quick: bool) -> None:
    host = python_host(lab, is_quick)
    venv = host.home / "remote-runner-venv/venv"
    given = ["--set", "server=python", "--set", "clients=python", "--set", f"port={free_ports(1)}"]
    given += ["--config", str(ROOT / "example/venv/config.py")]
    succeeds(lab, "run", "--set", "messages=1", *given)
    assert "Successfully installed websockets" in (host.state() / "prepare-python/output").read_text()
    made = [(venv / name).stat().st_ctime_ns for name in ("bin/pip", "requirements.txt")]

    lines = succeeds(lab, "run", "--follow", "--set", "messages=3", *given).stdout.splitlines()
    said = [line.partition(" | ")[2] for line in lines if line.startswith("prepare-python ")]
    assert said == ["nothing to install"]
    assert [(venv / name).stat().st_ctime_ns for name in ("bin/pip", "requirements.txt")] == made

    begins, (ends,) = lines.index("start 2  1 host"), at(lines, "  python/client-python  ended with exit status 0")
    answers = at(lines, r"client-python +\| MESSAGE \d OF 3 after")
    assert len(answers) == 3
    assert begins < answers[0] and answers[2] < ends


def at(lines: list[str], pattern: str) -> list[int]:
    """Return the numbers of the lines that begin with the pattern."""
    return [number for number, line in enumerate(lines) if re.match(pattern, line)]


def test_venv_example_installs_what_has_changed(tmp_path: Path) -> None:
    programs = tmp_path / "programs"
    shutil.copytree(ROOT / "example/venv/programs", programs)
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin/python3"  # makes an environment whose pip notes its calls, and fails if `broken` exists
    python.write_text(
        "#!/bin/sh\n[ \"$*\" = '-m venv --clear venv' ] || exit\nrm -rf venv && mkdir -p venv/bin\n"
        "printf '#!/bin/sh\\necho \"$*\" >>calls; [ ! -e broken ]' >venv/bin/pip && chmod +x venv/bin/pip\n"
    )
    python.chmod(0o755)

    def prepare() -> tuple[int, int]:
        """Return the exit status, and the number of installations so far."""
        environment = {"PATH": f"{tmp_path}/bin:{os.defpath}"}
        done = subprocess.run([programs / "prepare.sh"], cwd=tmp_path, env=environment, capture_output=True)
        calls = (tmp_path / "calls").read_text().splitlines()
        assert set(calls) == {f"install -r {programs}/requirements.txt"}
        return done.returncode, len(calls)

    assert prepare() == (0, 1)
    assert prepare() == (0, 1)
    (programs / "requirements.txt").write_text("another==1.0\n")
    (tmp_path / "broken").touch()
    assert prepare() == (1, 2)
    (tmp_path / "broken").unlink()
    assert prepare() == (0, 3)
    assert prepare() == (0, 3)


def test_batch_example_repeats_failed_job(lab: Lab) -> None:
    folder = lab.folder / "batch"
    shutil.copytree(ROOT / "example/batch", folder)
    given = ["--config", str(folder / "config.py"), "--set", HOSTS]
    run = lab.fab("run", *given)
    assert run.returncode == 1
    failed, last, again = run.stderr.splitlines()
    assert re.fullmatch(r"node2/job-5: wait: ended with exit status 1 after \d s; last line of its output:", failed)
    assert last == "  | ValueError: could not convert string to float: '10O'"
    assert "3 hosts, 8 components: 1 failed, 7 ended; " in run.stdout
    starts = {path: path.stat().st_mtime_ns for path in started(lab)}
    assert len(starts) == 8

    wrong = folder / "inputs/job-5.txt"
    wrong.write_text(wrong.read_text().replace("O", "0"))  # the `sed` of the docstring
    repeat(lab, again.removeprefix("repeat with: "))
    changed = [path.parent.name for path, time in starts.items() if path.stat().st_mtime_ns != time]
    assert changed == ["job-5"]

    succeeds(lab, "collect", *given)
    means = [25.0, 50.0, 75.0, 100.0, 125.0, 150.0, 175.0, 200.0]
    expected = {f"job-{number}": f"job-{number},{mean}\n" for number, mean in enumerate(means, 1)}
    assert results(lab, "mean.csv") == expected


def started(lab: Lab) -> list[Path]:
    """Return the files that note when each component began."""
    return [path for host in lab.farm.hosts.values() for path in host.state().glob("*/started")]
