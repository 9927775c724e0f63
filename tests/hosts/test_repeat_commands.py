"""Repeat commands: the command line that a failure prints brings the hosts to the state that was wanted."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from fabfile.cli.hints import CommandLine
from fabfile.runner import Observer, StageError
from tests.support.checkout import FAB, ROOT
from tests.support.connections import away
from tests.support.farm import ThrowawayHost
from tests.support.lab import Lab, repeat
from tests.support.outcomes import timeless
from tests.support.privileges import NAMESPACE
from tests.support.servers import config_of, pid_of
from tests.support.soak import often

# Host `odd` finds a full disk at a folder as long as ~/full names it. It has programs of its own in ~/bin.
FORCE = 'PATH=$HOME/bin:$PATH; if [ -e ~/full ]; then mount -t tmpfs -o size=4k,nr_inodes=1 none "$(cat ~/full)"; fi'
PREFIX = "repeat with: "


def odd_host(lab: Lab) -> ThrowawayHost:
    script = f'{FORCE}; exec sh -c "$SSH_ORIGINAL_COMMAND"'
    host = lab.farm.add(
        "odd", {"ForceCommand": f"cd && export SSH_ORIGINAL_COMMAND && exec {NAMESPACE} sh -c '{script}'"}
    )
    (host.home / "work").mkdir()
    (host.home / "bin").mkdir()
    add_tool(host)
    return host


def add_tool(host: ThrowawayHost) -> None:
    """Install the program that a component needs."""
    tool = host.home / "bin/tool"
    tool.write_text("")
    tool.chmod(0o755)


@contextmanager
def without_tool(_: Lab, host: ThrowawayHost) -> Iterator[None]:
    (host.home / "bin/tool").unlink()
    yield
    add_tool(host)


@contextmanager
def blocked_file(_: Lab, host: ThrowawayHost) -> Iterator[None]:
    """Let a folder stand where a file of the component belongs."""
    (host.home / "work/data").mkdir()
    yield
    (host.home / "work/data").rmdir()


@contextmanager
def full(host: ThrowawayHost, folder: Path) -> Iterator[None]:
    """Let a folder of the host be a full disk."""
    folder.mkdir(parents=True, exist_ok=True)
    (host.home / "full").write_text(str(folder))
    yield
    (host.home / "full").unlink()


@contextmanager
def absent(host: ThrowawayHost) -> Iterator[None]:
    """Let a component of the host fail, since a file is missing."""
    (host.home / "work/go").unlink(missing_ok=True)
    yield
    (host.home / "work/go").write_text("")


COMPONENTS = [("node1", "web"), ("odd", "web"), ("odd", "picky"), ("node1", "late")]


def config(picky: str) -> str:
    """Return a config of three start indices; `picky` is the program on the odd host that may fail."""
    more = (
        f"add('picky', 'odd', {picky!r}, 2, base_dir='work', files={{'data': 'data'}}, needs=['tool'])\n"
        "add('late', 'node1', 'exec sleep 1000', 3)\n"
    )
    return config_of("node1", "odd", more=more)


FAILS_AT_START = "[ -e go ] || exit 127; exec sleep 1000"
FAILS_SOON = "sleep 0.1; [ -e go ] || exit 3; exec sleep 1000"
NEVER_FAILS = "exec sleep 1000"


def pids(lab: Lab) -> dict[tuple[str, str], int]:
    """Return the process ids of all components that run."""
    found = {key: pid_of(lab.farm.hosts[key[0]], key[1]) for key in COMPONENTS}
    return {key: pid for key, pid in found.items() if pid}


Trouble = Callable[[Lab, ThrowawayHost], AbstractContextManager[None]]
TROUBLES: dict[str, tuple[Sequence[str], str, Trouble]] = {
    "connect, dead host": (["run"], NEVER_FAILS, lambda lab, odd: away(lab.farm, odd)),
    "connect, failing component": (["run"], NEVER_FAILS, without_tool),
    "kill, full disk": (["run"], NEVER_FAILS, lambda lab, odd: full(odd, odd.state())),
    "screen, full disk": (["run", "--no-kill"], NEVER_FAILS, lambda lab, odd: full(odd, odd.state())),
    "sync, full disk": (["run"], NEVER_FAILS, lambda lab, odd: full(odd, odd.home / "work")),
    "sync, full disk, others go on": (
        ["run", "--keep-going"],
        NEVER_FAILS,
        lambda lab, odd: full(odd, odd.home / "work"),
    ),
    "sync, failing component": (["run"], NEVER_FAILS, blocked_file),
    "start, failing component": (["run"], FAILS_AT_START, lambda lab, odd: absent(odd)),
    "start, full disk": (["start"], NEVER_FAILS, lambda lab, odd: full(odd, odd.state())),
    "check, failing component": (["run"], FAILS_SOON, lambda lab, odd: absent(odd)),
    "restart, failing component": (["restart"], FAILS_AT_START, lambda lab, odd: absent(odd)),
}


USUAL = [
    "kill, full disk",
    "sync, full disk, others go on",
    "check, failing component",
    "restart, failing component",
]


@pytest.mark.root
@pytest.mark.parametrize("name", often(USUAL, [name for name in TROUBLES if name not in USUAL]))
def test_repeat_brings_all_up(lab: Lab, name: str) -> None:
    command, picky, trouble = TROUBLES[name]
    odd = odd_host(lab)
    lab.write("data", "new")
    lab.config(config(picky))
    if command[0] != "run":
        lab.run("screen")
        lab.run("sync")
    with trouble(lab, odd):
        done = lab.fab(*command, "-c", "cfg.py")
    assert done.returncode == 1, done.stdout + done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.startswith(PREFIX)
    before = pids(lab)
    repeat(lab, last.removeprefix(PREFIX))
    assert pids(lab).keys() == set(COMPONENTS)
    assert before.items() <= pids(lab).items()


class Switch(Observer):
    """Lets a host be away from the moment when a stage begins."""

    def __init__(self, lab: Lab, host: ThrowawayHost, stage: str) -> None:
        self.away = away(lab.farm, host)
        self.stage = stage
        self.is_away = False

    def begins(self, stage: str, hosts: Sequence[str]) -> None:
        """Switch the host off if this is the stage."""
        if stage == self.stage and not self.is_away:
            self.is_away = True
            self.away.__enter__()


@pytest.mark.root
@pytest.mark.parametrize("stage", often(["sync", "wait"], ["kill", "stop 1", "screen", "start 1", "start 2"]))
def test_repeat_after_dead_host(lab: Lab, stage: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [str(FAB)])
    monkeypatch.setattr("fabfile.remote.ask.RECONNECT_SECONDS", 1)
    odd = odd_host(lab)
    lab.write("data", "new")
    lab.config(config(NEVER_FAILS) + "add('job', 'node1', 'sleep 5', 3, wait=True)\n" * (stage == "wait"))
    lab.run("screen")
    lab.run("sync")
    command = "restart" if stage.startswith("stop") else "run"
    switch = Switch(lab, odd, stage)
    with lab.runner(switch) as runner:
        try:
            with pytest.raises(StageError) as caught:
                getattr(runner, command)()
        finally:
            switch.away.__exit__(None, None, None)
        runner.settings._project_prefix = str(ROOT)
        found = runner.repeat_for(command, caught.value)
        assert found is not None
        line = CommandLine(runner.config, runner.options, runner.settings).text(found.words, found.limit)
    before = pids(lab)
    if stage.startswith("start 1") or stage in ("kill", "screen", "sync"):
        before = {key: pid for key, pid in before.items() if key[0] == "node1"}
    repeat(lab, line)
    assert pids(lab).keys() == set(COMPONENTS)
    assert before.items() <= pids(lab).items()


@pytest.mark.root
def test_repeat_of_wait_after_full_disk(lab: Lab) -> None:
    odd = odd_host(lab)
    lab.write("data", "new")
    lab.config(config(NEVER_FAILS) + "add('job', 'odd', 'sleep 1', 3, wait=True)\n")
    lab.run("run")
    before = pids(lab)
    with full(odd, odd.state()):
        done = lab.fab("wait", "-c", "cfg.py")
    assert done.returncode == 1
    assert "is the disk full?" in done.stderr
    repeat(lab, done.stderr.splitlines()[-1].removeprefix(PREFIX))
    assert pids(lab) == before and before.keys() == set(COMPONENTS)


@pytest.mark.root
@pytest.mark.parametrize("command", ["run", "wait"])
def test_repeat_of_wait_after_failure(lab: Lab, command: str) -> None:
    odd = odd_host(lab)
    lab.write("data", "new")
    fails_later = "[ -e go ] || { sleep 1; exit 3; }; exec sleep 1000"
    lab.config(config(fails_later) + "add('job', 'node1', 'sleep 2', 3, wait=True)\n")
    with absent(odd):
        done = lab.fab("run", "-c", "cfg.py")
        if command == "wait":
            done = lab.fab("wait", "-c", "cfg.py")
    assert timeless(done.stderr).startswith("odd/picky: wait: ended with exit status 3\n")
    before = pids(lab)
    repeat(lab, done.stderr.splitlines()[-1].removeprefix(PREFIX))
    assert pids(lab).keys() == set(COMPONENTS)
    assert len(before) == 3 and before.items() <= pids(lab).items()


@pytest.mark.root
@pytest.mark.parametrize("command", ["kill", "stop"])
def test_repeat_of_kill_and_stop(lab: Lab, command: str) -> None:
    odd = odd_host(lab)
    lab.write("data", "new")
    lab.config(config(NEVER_FAILS))
    lab.run("run")
    with away(lab.farm, odd):
        done = lab.fab(command, "-c", "cfg.py")
    assert pids(lab).keys() == {("odd", "web"), ("odd", "picky")}
    line = done.stderr.splitlines()[-1]
    assert line.startswith(PREFIX) and "--limit 'odd/*'" in line
    repeat(lab, line.removeprefix(PREFIX))
    assert pids(lab) == {}


def test_repeat_has_every_option(lab: Lab) -> None:
    odd = odd_host(lab)
    lab.write("data", "new")
    lab.write("my muddlers/own.py", "def muddle(config, options):\n    'Nothing.'\n")
    lab.write("args.py", "def parse_args(extra_args, ssh_user):\n    return None\n")
    lab.config(config(NEVER_FAILS))
    given = ["-m", "my muddlers/own.py", "-a", "args.py", "--extra-args", "--x 'a b'", "--screen", "own", "--no-zombie"]
    given += ["--parallel", "3", "--io-timeout", "50", "--retries", "1", "--always-copy", "--host-keys", "strict"]
    with away(lab.farm, odd):
        done = lab.fab("run", *given, "-c", "cfg.py", "-l", "warning")
    line = done.stderr.splitlines()[-1].removeprefix(PREFIX)
    folder = lab.folder
    for part in (
        f"fab -r {ROOT} run --config {folder}/cfg.py",
        f"--muddler '{folder}/my muddlers/own.py'",
        f"--arg-parser {folder}/args.py",
        """--extra-args '--x '"'"'a b'"'"''""",
        "--screen own",
        "--no-zombie",
        "--parallel 3",
        "--io-timeout 50",
        "--retries 1",
        "--always-copy",
        "--host-keys strict",
        f"-S {lab.farm.ssh_config}",
    ):
        assert part in line, line
