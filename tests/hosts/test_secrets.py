"""`util.secret`: the value reaches the program and its checks, and stays nowhere else."""

import json
import os
from pathlib import Path

import pytest

from rr_config import ConfigError
from tests.support.connections import sessions_begun
from tests.support.lab import Lab
from tests.support.outcomes import refused
from tests.support.processes import is_alive

MARK = f"sw0rdfish-{os.getpid()}"
VALUE = f"{MARK} $HOME `id` '\" \\ \udcff ü\n\n"
CONFIG = """
script = util.literal('printf %s "$TOKEN" >"$HOME/got.$NAME"; exec sleep 1000')
ready = util.command('printf %s "$TOKEN" | cmp - "$HOME/got.$NAME"', timeout=20)
for name, host in (("a", "node1"), ("b", "node1"), ("c", localhost)):
    env = {"NAME": name, "TOKEN": util.secret("RR_TOKEN"), "EMPTY": util.secret("RR_EMPTY")}
    config.add_component(Component(name=name, host=host, executable="/bin/sh", args=["-c", script], env=env,
        ready=ready, start_index=1))
config.add_component(Component(name="plain", host="node1", executable="/bin/true", start_index=2))
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
