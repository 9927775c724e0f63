"""Hosts that fail, freeze or hang in the middle of something: the others go on, and it is said what to repeat."""

import contextlib
import getpass
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from fabfile.remote.script import command
from tests.support.scripts import script_of

from .conftest import Lab, eventually, text
from .test_start import running
from .test_sync import connections
from .throwaway import ThrowawayHost

CONFIG = """
for host in {hosts}:
    for name, index in {components}:
        config.add_component(Component(
            name=name, host=host, executable="/bin/sh", args=["-c", "echo >>" + name + "; exec sleep 1000"],
            start_index=index, base_dir="~", files={{}} if host == "localhost" else {{"f": "f"}},
        ))
"""
ALL = ["node1", "node2", "node3"]


def configure(lab: Lab, hosts: list[str] = ALL, components: str = "[('a', 1), ('b', 2)]") -> None:
    lab.write("f", "content")
    lab.config(CONFIG.format(hosts=hosts, components=components))


def started(host: ThrowawayHost) -> list[str]:
    """Which components have been started, each as often as it has."""
    return sorted(path.name * path.read_text().count("\n") for path in host.home.glob("[ab]"))


@contextlib.contextmanager
def broken(host: ThrowawayHost) -> Iterator[None]:
    """A folder is in the place of a file on that host."""
    (host.home / "f").mkdir()
    yield
    (host.home / "f").rmdir()


# ---- what happens where one fails


def test_by_default_no_later_stage_begins_and_it_is_said_how_to_repeat(lab: Lab) -> None:
    configure(lab)
    with broken(lab.node2):
        done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"node2:{lab.node2.home}/f: sync: a folder is in its place",
        "sync failed; no later stage was begun",
        "again, for what failed alone: --limit 'node2/*'",
    ]
    assert all(started(host) == [] for host in (lab.node1, lab.node2, lab.node3))
    assert (lab.node1.home / "f").exists() and (lab.node3.home / "f").exists()
    again = lab.fab("run", "-c", "cfg.py", "--limit", "node2/*")
    assert (again.returncode, started(lab.node2), started(lab.node1)) == (0, ["a", "b"], [])


def test_with_keep_going_the_others_get_through_all_stages(lab: Lab) -> None:
    configure(lab)
    with broken(lab.node2):
        done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"node2:{lab.node2.home}/f: sync: a folder is in its place",
        "1 host failed; all was done on the others",
        "again, for what failed alone: --limit 'node2/*'",
    ]
    assert started(lab.node1) == started(lab.node3) == ["a", "b"]
    assert started(lab.node2) == []


def test_hosts_that_fail_in_other_stages_are_all_named_at_the_end(lab: Lab) -> None:
    configure(lab)
    with lab.config(lab.folder.joinpath("cfg.py").read_text()).open("a") as config:
        config.write("[each] = [c for c in config.all_components() if c.label == 'node3/a']\neach.executable = '/no'\n")
    with broken(lab.node2):
        done = lab.fab("run", "-c", "cfg.py", "--max-failures", "2", "--limit", "node*")
    assert done.returncode == 1
    first, second, *rest = done.stderr.splitlines()
    assert first == f"node2:{lab.node2.home}/f: sync: a folder is in its place"
    assert second.startswith("node3/a: start 1: could not be started (exit status 127): ")
    assert rest == [
        "2 hosts failed; all was done on the others",
        "again, for what failed alone: --limit node2/a,node2/b,node3/a,node3/b",
    ]
    assert (started(lab.node1), started(lab.node3)) == (["a", "b"], [])


def test_where_more_fail_than_may_no_later_stage_begins(lab: Lab) -> None:
    configure(lab)
    with broken(lab.node2), broken(lab.node3):
        done = lab.fab("run", "-c", "cfg.py", "--max-failures", "1")
    assert done.returncode == 1
    assert done.stderr.splitlines()[2:] == [
        "sync failed; no later stage was begun",
        "again, for what failed alone: --limit 'node2/*,node3/*'",
    ]
    assert started(lab.node1) == []


def test_where_all_fail_nothing_goes_on(lab: Lab) -> None:
    configure(lab, ["node1"])
    with broken(lab.node1):
        done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.stderr.splitlines()[1:] == ["sync failed; no later stage was begun"]


def test_what_is_waited_for_on_a_host_that_is_out_is_not_waited_for(lab: Lab) -> None:
    configure(lab, ["node1", "node2"])
    with lab.config(lab.folder.joinpath("cfg.py").read_text()).open("a") as config:
        config.write("for c in config.all_components():\n    c.wait, c.args = True, ['-c', 'echo >>' + c.name]\n")
    with broken(lab.node2):
        done = lab.fab("run", "-c", "cfg.py", "--keep-going", "--terminate")
    assert done.returncode == 1
    assert done.stderr.splitlines()[1] == "1 host failed; all was done on the others"
    assert (started(lab.node1), started(lab.node2)) == (["a", "b"], [])


def test_going_on_and_stopping_all_for_one_contradict_each_other(lab: Lab) -> None:
    configure(lab)
    done = lab.fab("run", "-c", "cfg.py", "--keep-going", "--on-exit", "stop")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "--on-exit stop: leave it out with --keep-going or --max-failures: it stops all for one\n"


# ---- hosts that do not react


@contextlib.contextmanager
def hanging_kill(host: ThrowawayHost) -> Iterator[Callable[[], None]]:
    """Let `fab kill` hang on a host, where it reads a file; what is given returns once it does."""
    host.state().mkdir(parents=True, mode=0o700)
    fifo = host.state() / ".sessions"
    os.mkfifo(fifo)
    with contextlib.ExitStack() as stack:

        def is_read() -> bool:
            with contextlib.suppress(OSError):  # ENXIO, until somebody reads it
                stack.callback(os.close, os.open(fifo, os.O_WRONLY | os.O_NONBLOCK))
                return True
            return False

        yield lambda: eventually(is_read, "the reading")


def test_host_whose_sshd_freezes_is_noticed_and_the_others_go_on(lab: Lab) -> None:
    configure(lab)
    with lab.farm.ssh_config.open("a") as config:
        config.write("Host *\n    ServerAliveInterval 1\n    ServerAliveCountMax 2\n")
    with hanging_kill(lab.node2) as wait_until_it_hangs, running(lab, "run", "--keep-going") as fab:
        wait_until_it_hangs()
        with frozen(lab.node2):
            said, _ = fab.communicate(timeout=50)
    assert fab.returncode == 1
    assert "node2: kill: the connection was lost\n" in said
    assert started(lab.node1) == started(lab.node3) == ["a", "b"]


def test_host_that_is_silent_but_alive_is_not_taken_for_frozen(lab: Lab) -> None:
    configure(lab, ["node2"])
    with lab.farm.ssh_config.open("a") as config:
        config.write("Host *\n    ServerAliveInterval 1\n    ServerAliveCountMax 1\n")
    with hanging_kill(lab.node2) as wait_until_it_hangs, running(lab, "kill", "--io-timeout", "5") as fab:
        wait_until_it_hangs()
        said, _ = fab.communicate(timeout=50)
    assert "node2: kill: has done nothing for 5 s" in said


@contextlib.contextmanager
def frozen(host: ThrowawayHost) -> Iterator[None]:
    """Let all of its sshd stand still."""
    pids = connections(host)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def test_script_that_hangs_is_given_up(lab: Lab) -> None:
    configure(lab, ["node1", "node2"])
    with hanging_kill(lab.node2):
        done = lab.fab("kill", "-c", "cfg.py", "--io-timeout", "1")
    assert done.returncode == 1
    assert done.stderr.startswith(
        "node2: kill: has done nothing for 1 s, though it is connected; does a file system hang there, or is more time"
        " needed (--io-timeout)?\n"
    )


def test_host_that_copies_a_large_file_is_given_its_time(lab: Lab) -> None:
    lab.write("bin/cp", '#!/bin/sh\nsleep 3\nexec /bin/cp "$@"\n', 0o755)
    lab.farm.add("slow", {"ForceCommand": f'cd && PATH={lab.folder}/bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"'})
    for name in ("f", "g"):
        (lab.folder / name).write_bytes(b"the same" * 4_000_000)
    files = {"f": "f", "g": "g"}
    lab.config(
        "config.add_component(Component("
        f"name='a', host='slow', executable='/bin/true', start_index=1, base_dir='~', files={files}))"
    )
    lab.run("sync", "--io-timeout", "1")
    assert (lab.farm.hosts["slow"].home / "g").stat().st_size == 32_000_000


def test_host_that_comes_back_is_tried_again_as_often_as_was_said(lab: Lab) -> None:
    configure(lab, ["node1"])
    lab.farm.stop(lab.node1)
    refused = lab.fab("kill", "-c", "cfg.py")
    assert (refused.returncode, "connection refused" in refused.stderr) == (1, True)
    timer = threading.Timer(1, lab.farm.start, [lab.node1])
    timer.start()
    try:
        assert lab.fab("kill", "-c", "cfg.py", "--retries", "20").returncode == 0
    finally:
        timer.join()


def test_what_would_not_help_is_not_tried_again(lab: Lab) -> None:
    configure(lab, ["nobody@node1"])
    before = connected(lab.node1)
    done = lab.fab("kill", "-c", "cfg.py", "--retries", "2")
    assert (done.returncode, "login as nobody was refused" in done.stderr) == (1, True)
    assert connected(lab.node1) == before + 1


def connected(host: ThrowawayHost) -> int:
    """How often somebody has connected."""
    return (host.folder / "sshd.log").read_text(errors="replace").count("\nConnection from ")


# ---- two controllers


def test_second_controller_is_told_who_works_there_and_the_hold_ends_with_the_first(lab: Lab) -> None:
    configure(lab, ["node1", "node2", "localhost"])
    with hanging_kill(lab.node2) as wait_until_it_hangs, running(lab, "run") as fab:
        wait_until_it_hangs()
        who = f"{getpass.getuser()}@{socket.gethostname()}, process {fab.pid},"
        for command in ("kill", "screen", "sync", "start", "stop", "run"):
            done = lab.fab(command, "-c", "cfg.py", "--limit", "node2")
            assert done.returncode == 1
            assert re.match(
                rf"node2: \w+( \d)?: {re.escape(who)} works on the session runner, over process \d+ of this host; let that"
                " end, or end it\n",
                done.stderr,
            ), done.stderr
        for command in ("status", "logs", "plan", "wait"):
            assert "works on" not in lab.fab(command, "-c", "cfg.py", "--limit", "node2").stderr
        assert lab.fab("kill", "-c", "cfg.py", "--screen", "another", "--limit", "node2").returncode == 0
        fab.kill()
    (lab.node2.state() / ".sessions").unlink()
    eventually(lambda: lab.fab("run", "-c", "cfg.py").returncode == 0, "the end of the hold")
    assert all(started(host) == ["a", "b"] for host in (lab.node1, lab.node2, lab.here))
    assert not list(lab.node2.state().glob(".held*"))


def test_hold_of_a_process_that_has_ended_is_over_though_its_parent_has_not_noticed(lab: Lab) -> None:
    configure(lab, ["node1"])
    with subprocess.Popen(["true"]) as ended:
        stat = Path(f"/proc/{ended.pid}/stat")
        eventually(lambda: stat.read_text().rpartition(") ")[2].startswith("Z"), "its end")
        born = stat.read_text().rpartition(") ")[2].split()[19]
        lab.node1.state().mkdir(parents=True, mode=0o700)
        (lab.node1.state() / f".held.{ended.pid}.{born}").write_text("1 1 somebody\n")
        done = lab.fab("kill", "-c", "cfg.py")
    assert (done.returncode, done.stderr) == (0, "")


def test_of_many_that_come_at_once_none_starts_a_program_twice(lab: Lab) -> None:
    configure(lab, ["node1", "localhost"])
    lab.run("screen")
    fabs = [running(lab, "start") for _ in range(4)]
    try:
        said = [fab.communicate(timeout=60)[0] for fab in fabs]
    finally:
        for fab in fabs:
            fab.kill()
    for fab, words in zip(fabs, said, strict=True):
        assert fab.returncode == 0 or "works on the session runner" in words, words
    assert any(fab.returncode == 0 for fab in fabs)
    lab.run("start")
    assert started(lab.node1) == started(lab.here) == ["a", "b"]


def test_session_is_free_again_once_all_has_been_started(lab: Lab) -> None:
    configure(lab, ["node1", "localhost"])
    with lab.config((lab.folder / "cfg.py").read_text()).open("a") as config:
        config.write("for c in config.all_components():\n    c.wait = True\n")
    with running(lab, "run") as fab:
        eventually(lambda: started(lab.node1) == started(lab.here) == ["a", "b"], "both programs")
        eventually(lambda: not list(lab.node1.state().glob(".held*")), "the release")
        lab.run("stop")
        fab.communicate(timeout=20)


def test_host_that_is_out_is_free_for_others_while_the_rest_goes_on(lab: Lab) -> None:
    configure(lab, ["node1", "node2"])
    with lab.config((lab.folder / "cfg.py").read_text()).open("a") as config:
        config.write("for c in config.all_components():\n    c.wait = True\n")
    with broken(lab.node1), running(lab, "run", "--keep-going") as fab:
        eventually(lambda: started(lab.node2) == ["a", "b"], "both programs of the other")
        assert lab.fab("kill", "-c", "cfg.py", "--limit", "node1").returncode == 0
        lab.run("stop", "--limit", "node2")
        fab.communicate(timeout=20)


def test_next_runner_of_a_process_does_not_stumble_over_the_one_before(lab: Lab) -> None:
    configure(lab, ["node1", "node2"])
    for _ in range(8):  # whether sshd has noticed by then is a matter of luck
        with lab.runner() as runner:
            runner.kill()


def test_script_that_was_killed_while_it_waited_for_the_hold_has_left_none(tmp_path: Path) -> None:
    """The next one of its connection waits again, as long as another controller is at work."""

    def begin() -> "subprocess.Popen[bytes]":
        pipe = subprocess.PIPE
        script = script_of("hold_session\nanswer holds", "hold", session="s").sent_by("me", born=5, group=1)
        # In a session of its own, as every script has: it is the parent that is its controller.
        process = subprocess.Popen(
            ["sh", "-c", command(script)], env=environment, stdin=pipe, stdout=pipe, start_new_session=True
        )
        assert process.stdin
        process.stdin.write(script)
        process.stdin.close()
        return process

    environment = os.environ | {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path)}
    with begin() as process:
        assert process.stdout and process.stdout.read().endswith(b"\0holds\0done\0")
    (own,) = tmp_path.rglob(".held.*")
    own.unlink()
    with subprocess.Popen(["sleep", "1000"]) as other:
        born = text(Path(f"/proc/{other.pid}/stat")).rpartition(") ")[2].split()[19]
        (own.parent / f".held.{other.pid}.{born}").write_text("9999999999999 1 a younger one\nheld\n")
        with begin() as process:
            eventually(own.exists, "its claim")
            process.kill()
        with begin() as process:
            time.sleep(1)  # in which it would have answered
            assert process.poll() is None
            other.kill()
            assert process.stdout and process.stdout.read().endswith(b"\0holds\0done\0")
