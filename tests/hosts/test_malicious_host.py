"""Hosts that answer nonsense, lie, or pretend to be another host."""

from tests.support.config_texts import IN_WORK as CONFIG
from tests.support.lab import Lab
from tests.support.odd_hosts import GREETING, host_with, odd_host
from tests.support.outcomes import repeat_with


def test_nonsense_does_not_stop_the_others(lab: Lab) -> None:
    odd_host(lab, "odd", f"{GREETING}; printf 'ended zzz 0  \\000done\\000'; sleep 1")
    lab.config(CONFIG + "add('a', 'odd', wait=True)\nadd('b', 'node1')\nadd('c', 'node2', 'exit 0', wait=True)")
    lab.run("run", "--limit", "node*")
    done = lab.fab("wait", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.startswith("odd: wait: invalid answer (KeyError: 'zzz'); check that this is the right host\n")


def test_impostor_fails_with_its_victim(lab: Lab) -> None:
    identity = f"$(cat /proc/sys/kernel/random/boot_id) $(cat /proc/sys/kernel/hostname) {lab.node1.home}"
    odd_host(lab, "odd", f'printf "\\000remote-runner {identity}\\000done\\000"')
    lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1')\nadd('c', 'node2')")
    done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    reason = "are the same home on the same host; use only one of these names in all components"
    assert done.stderr.splitlines() == [
        f"node1 and odd: connect: {reason}",
        "2 hosts failed; the other hosts are done",
    ]
    assert lab.node2.sessions() == ["runner"]


def test_nonsense_fails_one_host(lab: Lab) -> None:
    odd_host(
        lab,
        "odd",
        f"{GREETING}; printf 'units x\\000= \\000listed x\\000file\\000looked\\000started a b\\000ended\\000done\\000'",
    )
    lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1')")
    lab.run("run", "--limit", "node1")
    for command in ("status", "plan", "doctor", "collect", "screen", "sync", "start", "stop", "kill"):
        going_on = ["--keep-going"] if command in ("screen", "start", "sync") else []
        done = lab.fab(command, *going_on, "-c", "cfg.py")
        assert done.returncode == 1, command
        assert "odd" in done.stderr + done.stdout, command
        assert "node1" in done.stdout, command
        assert "Traceback" not in done.stderr, command


def test_host_text_cannot_steer_terminal(lab: Lab) -> None:
    odd_host(lab, "odd", f"{GREETING}; printf 'fail \\033]0;evil\\007\\033[2Jbad\\r\\000'")
    lab.config(CONFIG + "add('a', 'odd')")
    done = lab.fab("kill", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "odd: connect: �]0;evil��[2Jbad�; any of these may still run: a",
        "connect failed; no host was changed",
        repeat_with(lab, "kill"),
    ]
    assert not set(done.stdout + done.stderr) & set("\x1b\x07\r")


def test_false_hash_only_resends_file(lab: Lab) -> None:
    odd = host_with(
        lab, "odd", "openssl", 'shift 3; for f; do echo "da39a3ee5e6b4b0d3255bfef95601890afd80709 *$f"; done'
    )
    lab.write("f", "content")
    lab.config(CONFIG + "add('a', 'odd', files={'f': 'f'})")
    for _ in range(2):
        assert "1 file, 1 sent (7 B)" in lab.run("sync").stdout
        assert (odd.home / "work/f").read_text() == "content"
