"""`util.secret`: the value reaches the program and its checks, and stays nowhere else."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from rr_config import ConfigError
from tests.support.checkout import FAB, ROOT
from tests.support.connections import cut, sessions_begun
from tests.support.lab import Lab
from tests.support.odd_hosts import host_with
from tests.support.outcomes import refused
from tests.support.ports import free_ports
from tests.support.processes import is_alive
from tests.support.waiting import eventually

MARK = f"sw0rdfish-{os.getpid()}"
VALUE = f"{MARK} $HOME `id` '\" \\ \udcff ü\n\n"
CONFIG = """
script = util.literal('printf %s "$TOKEN" >"$HOME/got.$NAME"; exec sleep 1000')
ready = util.command('printf %s "$TOKEN" | cmp - "$HOME/got.$NAME"', timeout=20)
for name, host in (("a", "node1"), ("b", "node1"), ("c", localhost)):
    env = {"NAME": name, "TOKEN": util.secret("RR_TOKEN"), "EMPTY": util.secret("RR_EMPTY")}
    config.add_component(Component(name=name, host=host, executable="/bin/sh", args=["-c", script], env=env,
        ready=ready, start_index=1))
spy = ["-c", util.literal('env >"$HOME/env"; echo "$1" >"$HOME/argument"'), "sh", "$RR_TOKEN"]
config.add_component(Component(name="plain", host=localhost, executable="/bin/sh", args=spy, ready=util.ended(), start_index=2))
"""


def holders(mark: str) -> set[int]:
    """Return processes that have the mark in their command line, or in an open file without a name."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            texts = [(folder / "cmdline").read_bytes()]
            for link in (folder / "fd").iterdir():
                if "remote-runner.secrets." in str(link.readlink()):
                    texts.append(link.read_bytes())
        except OSError:
            continue
        if any(mark.encode() in text for text in texts):
            found.add(int(folder.name))
    return found


def files_with(mark: str, *folders: Path) -> list[str]:
    found = []
    for folder in folders:
        for path in folder.rglob("*"):
            if path.is_file() and not path.is_symlink() and mark.encode() in path.read_bytes():
                found.append(str(path))
    return found


def assert_check_keeps_no_output(lab: Lab) -> None:
    """The check may print a secret, for example `curl -v` with a header."""
    (lab.folder / "check.py").write_text(
        'config.add_component(Component(name="check", host="node2", executable="/bin/sleep", args=[1000], start_index=1,'
        ' env={"TOKEN": util.secret("RR_TOKEN")}, ready=util.command(\'echo "$TOKEN"; false\', timeout=1)))\n'
    )
    done = lab.fab("run", "-c", "check.py")
    assert done.returncode == 1 and "its last check ended with exit status 1" in done.stderr
    assert "its output is not kept" in done.stderr and MARK not in done.stderr
    assert files_with(MARK, lab.node2.home) == []


def test_secret_reaches_only_the_program(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RR_TOKEN", VALUE)
    monkeypatch.setenv("RR_EMPTY", "")
    lab.config(CONFIG)
    said = ""
    for words in (["config"], ["plan"], ["run", "--collect", "-l", "DEBUG"], ["status", "--json"]):
        done = lab.run(*words, "--muddler", "wrap --with 'nice -n 1' --only a")
        said += done.stdout + done.stderr
    assert MARK not in said and "TOKEN=***" in said
    got = [home / f"got.{name}" for name, home in (("a", lab.node1.home), ("b", lab.node1.home), ("c", lab.here.home))]
    for path in got:
        assert path.read_bytes() == VALUE.encode("utf-8", "surrogateescape")
        path.unlink()
    assert (lab.here.home / "argument").read_bytes() == b"\n"
    (kept,) = (lab.folder / "results").rglob("run.json")
    env = {each["name"]: each["env"] for each in json.loads(kept.read_text())["components"]}
    assert env["a"]["TOKEN"] == {"secret": "RR_TOKEN", "value": "***"}
    assert holders(MARK) == set()
    assert files_with(MARK, lab.node1.home, lab.here.home, lab.folder, lab.node1.tmp, Path("/dev/shm")) == []
    assert_check_keeps_no_output(lab)
    pid = int((lab.node1.state() / "b/pid").read_text())
    assert b"\0EMPTY=\0" in Path(f"/proc/{pid}/environ").read_bytes()
    monkeypatch.setenv("RR_TOKEN", "another")
    lab.run("restart", "b")
    assert (lab.node1.home / "got.b").read_text() == "another" and not is_alive(pid)


def test_unset_secret_touches_no_host(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RR_EMPTY", "")
    monkeypatch.delenv("RR_TOKEN", raising=False)
    lab.config(CONFIG)
    before = sessions_begun(lab.node1)
    words = "node1/a.env: TOKEN: the environment variable RR_TOKEN is not set here; export it first"
    for command in ("run", "start", "restart", "plan"):
        refused(lab.fab(command, "-c", "cfg.py"), words)
    with pytest.raises(ConfigError, match="TOKEN is not set here"):
        lab.runner(limit="node1/*").start()
    assert sessions_begun(lab.node1) == before
    for command in ("config", "status", "stop"):
        lab.run(command)
    lab.run("run", "--limit", "plain")


# Texts that a shell, a search for the value, or its replacement by *** could spoil.
AWKWARD = {
    "ONE": "'",
    "LETTER": "a",
    "STARS": "***",
    "DASH": "-n",
    "LINES": "a'\n\"b\n\n$(id)\\",
    "BLANKS": " \t ",
    "BYTE": "\udcff",
}
AWKWARD_CONFIG = """
names = NAMES
script = "".join(f'printf %s "${name}" >"$HOME/got.{name}";' for name in names)
config.add_component(Component(name="a", host="node1", executable="/bin/sh", start_index=1,
    args=["-c", util.literal(script + "exec sleep 1000")], env={name: util.secret("RR_" + name) for name in names}))
"""


def test_awkward_secrets_are_literal(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.config(AWKWARD_CONFIG.replace("NAMES", str(list(AWKWARD))))
    shown = []
    for values in (dict.fromkeys(AWKWARD, "other"), AWKWARD):
        for name, value in values.items():
            monkeypatch.setenv(f"RR_{name}", value)
        shown.append([lab.run(*words).stdout for words in (["config"], ["config", "--json"], ["plan"])])
    assert shown[0] == shown[1], "no value changes what is shown"
    lab.run("run", "--collect")
    for name, value in AWKWARD.items():
        got = (lab.node1.home / f"got.{name}").read_bytes()
        assert got == value.encode("utf-8", "surrogateescape"), name
    (kept,) = (lab.folder / "results").rglob("run.json")
    (component,) = json.loads(kept.read_text())["components"]
    assert component["env"] == {name: {"secret": f"RR_{name}", "value": "***"} for name in AWKWARD}
    assert component["name"] == "a", "a secret of one letter hides nothing else"


def test_cut_start_leaves_no_secret(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection ends when the host has the secret, and before screen opens the window."""
    wait = "touch ~/sourcing; until [ -e ~/go ]; do sleep 0.05; done"
    slow = f'case "$*" in *source*) {wait} ;; esac\nexec {shutil.which("screen")} "$@"'
    host = host_with(lab, "slow", "screen", slow)
    monkeypatch.setenv("RR_TOKEN", VALUE)
    monkeypatch.setenv("RR_EMPTY", "")
    lab.config(CONFIG.replace("node1", "slow"))
    lab.run("screen", "--limit", "b")
    command, pipe = lab.command("start", "--limit", "b", "-c", "cfg.py"), subprocess.PIPE
    with subprocess.Popen(command, cwd=lab.folder, env=lab.environment, stdout=pipe, stderr=pipe) as fab:
        eventually(lambda: (host.home / "sourcing").exists(), "the start of the window")
        assert holders(MARK), "the host has the secret"
        cut(host)
        (host.home / "go").touch()
        said = b"".join(fab.communicate(timeout=60))
    assert fab.returncode == 1 and b"the connection was lost" in said and MARK.encode() not in said
    eventually(lambda: holders(MARK) == set(), "the end of the script")
    (host.home / "got.b").unlink(missing_ok=True)
    assert files_with(MARK, host.home, host.tmp, lab.folder, Path("/dev/shm")) == []
    lab.run("restart", "b")
    assert (host.home / "got.b").read_bytes() == VALUE.encode("utf-8", "surrogateescape")


def test_secret_is_in_no_page_or_debug_output(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RR_TOKEN", VALUE)
    monkeypatch.setenv("RR_EMPTY", "")
    lab.config(CONFIG)
    said = ""
    for words in (["plan"], ["run"], ["restart", "b", "-l", "DEBUG"], ["config"], ["report"]):
        done = lab.fab("--debug", *words, "-c", "cfg.py")
        assert done.returncode == 0, done.stderr
        assert "invoke.loader.find: " in done.stderr
        said += done.stdout + done.stderr
    (lab.folder / "fabfile").symlink_to(ROOT / "fabfile")
    line = "fab logs -c cfg.py "
    for variable in ("RR_TOKEN", "RR_EMPTY"):
        completed = subprocess.run(
            [FAB, "--complete", "--", line], cwd=lab.folder, env=lab.environment, capture_output=True
        )
        assert set(completed.stdout.decode().split()) >= {"a", "b", "c", "plain"}
        said += (completed.stdout + completed.stderr).decode()
        monkeypatch.delenv(variable)
    page = (lab.folder / "report.html").read_text()
    assert "node1" in page
    for word in (MARK, "0rdfish"):
        assert word not in page and word not in said


TA1_CONFIG = """
config.add_component(Component(name="server", host="node1", executable="/bin/sh", start_index=1, base_dir="~/ta1",
    args=["-c", util.literal('printf %s "$TOKEN${KEY-none}" >~/got; echo listening; exec sleep 1000')],
    env={"TOKEN": util.secret("RR_TOKEN"), "PLAIN": "1"}))
config.add_component(Component(name="client", host="node2", executable="/bin/sh", start_index=2, base_dir="~/ta1",
    args=["-c", util.literal('printf %s "$TOKEN$KEY${PLAIN-none}$(env | grep -c "^HARNESS_SECRET")" >~/got; echo connected; read -r line; exit 0')],
    env={"TOKEN": util.secret("RR_KEY"), "KEY": util.secret("RR_STARS")}))
"""
TA1_SCRIPT = "start server\nawait server listening within 20\nstart client\nawait client connected within 20\nclose client\nend client\n"


def test_ta1_gives_each_program_its_secrets(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"{MARK} key\n'"
    for name, value in {"RR_TOKEN": VALUE, "RR_KEY": key, "RR_STARS": "***"}.items():
        monkeypatch.setenv(name, value)
    lab.config(TA1_CONFIG)
    lab.write("hosts.csv", "host,ip\nnode1,127.0.0.1\nnode2,127.0.0.1\n")
    lab.write("tests/sample.ts", TA1_SCRIPT)
    given = ["-m", f"ta1 --test sample --hosts-file hosts.csv --debug --port {free_ports(1)}"]
    done = lab.run("run", "--collect", "-l", "DEBUG", *given)
    assert MARK not in done.stdout + done.stderr and holders(MARK) == set()
    expected = {lab.node1: f"{VALUE}none", lab.node2: f"{key}***none0"}
    for host, value in expected.items():
        assert (host.home / "got").read_bytes() == value.encode("utf-8", "surrogateescape")
        (host.home / "got").unlink()
    lab.run("kill", *given)
    assert files_with(MARK, lab.node1.home, lab.node2.home, lab.folder, Path("/dev/shm")) == []
