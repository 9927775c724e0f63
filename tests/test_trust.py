"""Nobody where they don't belong: what hosts keep is theirs alone, and a hostile host does no harm to anybody."""

import contextlib
import io
import json
import os
import resource
import shutil
import signal
import socket
import stat
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import Lab, eventually
from .test_start import running
from .throwaway import ThrowawayHost, own_name, processes_of

CONFIG = """
def add(name, host, script="exec sleep 1000", **more):
    config.add_component(Component(name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=1,
        **({"base_dir": "~/work"} | more)))
"""
GREETING = r"printf '\000remote-runner boot machine home\000'"
MEMORY = 700 << 20  # of address space, of which Python and threads take 300 MB


def odd_host(lab: Lab, name: str, command: str) -> ThrowawayHost:
    """A host whose every login runs `command`."""
    return lab.farm.add(name, {"ForceCommand": command})


def host_with(lab: Lab, name: str, program: str, script: str) -> ThrowawayHost:
    """A host where `program` is that script."""
    lab.write(f"bin/{program}", f"#!/bin/sh\n{script}\n", 0o755)
    return odd_host(lab, name, f'cd && PATH={lab.folder}/bin:$PATH exec sh -c "$SSH_ORIGINAL_COMMAND"')


def fab_within_memory(lab: Lab, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`fab`, with no more memory than a bounded one needs."""
    return subprocess.run(
        lab.command(*arguments),
        cwd=lab.folder,
        env=lab.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=80,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY)),
    )


# ---- hosts that say what they should not


@pytest.mark.parametrize(
    "command",
    [
        "yes",
        "yes | tr -d '\\n'",
        "yes | tr '\\n' '\\000'",
        "cat /dev/zero",
        "cat /dev/urandom",
        f"{GREETING}; yes",
        f"{GREETING}; yes answer | tr '\\n' '\\000'",
        f"{GREETING}; cat /dev/zero",
    ],
)
def test_host_that_answers_without_end_is_given_up_and_the_others_go_on(lab: Lab, command: str) -> None:
    odd_host(lab, "odd", command)
    lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1')")
    done = fab_within_memory(lab, "run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    assert done.stderr.startswith("odd: kill: answers with more than it was asked for; "), done.stderr
    assert "Traceback" not in done.stderr
    assert lab.node1.sessions() == ["runner"]


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"x" * 65536, ": no SSH server answers there; is it the right port?"),
        (b"\n" * 65536, ": no SSH server answers there; is it the right port?"),
        (b"SSH-2.0-OpenSSH_9.2\r\n" + b"\x7f\xff\xff\xf4" * 16384, ": a packet of 2,147,483,632 bytes is none of ssh"),
        (b"SSH-2.0-" + b"\x1b]0;evil\x07" * 1000 + b"\r\n", ""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", ": no SSH server answers there; is it the right port?"),
    ],
)
def test_server_that_speaks_no_ssh_is_given_up(lab: Lab, said: bytes, why: str) -> None:
    with endless_server(said) as port:
        with lab.farm.ssh_config.open("a") as config:
            config.write(f"Host odd\n    HostName 127.0.0.1\n    Port {port}\n")
        lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1')")
        done = fab_within_memory(lab, "-t", "3", "kill", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.startswith(f"odd: kill: 127.0.0.1 port {port}{why}"), done.stderr
    assert "Traceback" not in done.stderr and "\x1b" not in done.stderr
    assert len(done.stderr) < 2000
    assert "node1  nothing to end" in done.stdout


@contextlib.contextmanager
def endless_server(said: bytes) -> Iterator[int]:
    """A port on which everybody is told the same again and again; the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    with client, contextlib.suppress(OSError):
                        while True:
                            client.sendall(said)

        server = threading.Thread(target=serve)
        server.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            server.join()


def test_line_of_ten_gigabytes_in_an_answer_is_given_up(lab: Lab) -> None:
    odd_host(lab, "odd", f"{GREETING}; head -c 10G /dev/zero | tr '\\000' x")
    lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1', 'echo said; exec sleep 1000')")
    lab.run("run", "--limit", "node1")
    for command in ("logs", "logs -f", "status", "collect"):
        with contextlib.ExitStack() as stack:
            if command == "logs -f":  # which does not end by itself
                fab = stack.enter_context(running(lab, *command.split()))
                assert fab.stdout
                for line in fab.stdout:
                    if line.startswith("odd: logs: answers with more than it was asked for; "):
                        break
                fab.send_signal(signal.SIGINT)
                fab.communicate(timeout=20)
                continue
            done = fab_within_memory(lab, command, "-c", "cfg.py")
            assert done.returncode == 1
            assert "answers with more than it was asked for; " in done.stdout + done.stderr
            assert "Traceback" not in done.stderr


def test_host_that_answers_without_end_while_much_is_sent_is_given_up(lab: Lab) -> None:
    odd_host(lab, "odd", f"{GREETING}; printf '.st\\000/root\\000=\\000=\\000'; exec cat /dev/zero")
    (lab.folder / "big").write_bytes(os.urandom(8_000_000))
    lab.config(CONFIG + "add('a', 'odd', files={'big': 'big'})\nadd('b', 'node1')")
    done = fab_within_memory(lab, "sync", "-c", "cfg.py", "--io-timeout", "60")
    assert done.returncode == 1
    assert done.stderr.startswith("odd: sync: answers with more than it was asked for; "), done.stderr


def test_nonsense_of_one_host_keeps_no_other_from_its_end(lab: Lab) -> None:
    odd_host(lab, "odd", f"{GREETING}; printf 'ended zzz 0\\000done\\000'; sleep 1")
    lab.config(CONFIG + "add('a', 'odd', wait=True)\nadd('b', 'node1')\nadd('c', 'node2', 'exit 0', wait=True)")
    lab.run("run", "--limit", "node*")
    done = lab.fab("wait", "-c", "cfg.py", "--terminate")
    assert done.returncode == 1
    assert done.stderr.startswith("odd: wait: answers what cannot be understood (KeyError: 'zzz')\n")


def test_host_that_pretends_to_be_another_fails_with_that_one_alone(lab: Lab) -> None:
    identity = f"$(cat /proc/sys/kernel/random/boot_id) $(cat /proc/sys/kernel/hostname) {lab.node1.home}"
    odd_host(lab, "odd", f'printf "\\000remote-runner {identity}\\000done\\000"')
    lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1')\nadd('c', 'node2')")
    done = lab.fab("run", "-c", "cfg.py", "--keep-going")
    assert done.returncode == 1
    assert done.stderr.count("node1 and odd: kill: are one home on one machine") == 1
    assert "screen: are one home" not in done.stderr
    assert lab.node2.sessions() == ["runner"]


@pytest.mark.parametrize("command", ["kill", "screen", "start", "stop", "status", "plan", "doctor", "collect", "sync"])
def test_answers_that_make_no_sense_are_the_failure_of_that_host(lab: Lab, command: str) -> None:
    odd_host(
        lab,
        "odd",
        f"{GREETING}; printf 'units x\\000= \\000listed x\\000file\\000looked\\000started a b\\000ended\\000done\\000'",
    )
    lab.config(CONFIG + "add('a', 'odd')\nadd('b', 'node1')")
    lab.run("run", "--limit", "node1")
    done = lab.fab(command, "-c", "cfg.py")
    assert done.returncode == 1, done.stdout
    assert "odd" in done.stderr + done.stdout
    assert command == "plan" or "node1" in done.stdout
    assert "Traceback" not in done.stderr


def test_what_a_host_says_does_not_steer_the_terminal(lab: Lab) -> None:
    odd_host(lab, "odd", f"{GREETING}; printf 'fail \\033]0;evil\\007\\033[2Jbad\\r\\000'")
    lab.config(CONFIG + "add('a', 'odd')")
    done = lab.fab("kill", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.startswith("odd: kill: �]0;evil��[2Jbad�\n")
    assert not set(done.stdout + done.stderr) & set("\x1b\x07\r")


def test_wrong_hashes_cost_time_and_nothing_else(lab: Lab) -> None:
    odd = host_with(
        lab, "odd", "openssl", 'shift 3; for f; do echo "da39a3ee5e6b4b0d3255bfef95601890afd80709 *$f"; done'
    )
    lab.write("f", "content")
    lab.config(CONFIG + "add('a', 'odd', files={'f': 'f'})")
    for _ in range(2):
        assert "1 file, 1 sent (7 B)" in lab.run("sync").stdout
        assert (odd.home / "work/f").read_text() == "content"


def archive(name: str, content: bytes = b"evil", headers: dict[str, str] | None = None, kind: bytes = b"0") -> bytes:
    """A tar stream of one file."""
    member = tarfile.TarInfo(name)
    member.size, member.type, member.pax_headers = len(content), kind, headers or {}
    member.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as file:
        file.addfile(member, io.BytesIO(content))
    return stream.getvalue()


@pytest.mark.parametrize(
    "stream",
    [
        archive("../../../../evil"),
        archive("/tmp/rr-evil"),
        archive("./result", b"", kind=tarfile.SYMTYPE),
        archive("./result", b"", kind=tarfile.LNKTYPE),
        archive("./result", headers={"comment": "x" * 50_000_000}),
        b"no archive" * 1000,
        b"",
    ],
)
def test_archive_of_a_hostile_host_stays_where_it_belongs(lab: Lab, stream: bytes) -> None:
    (lab.folder / "stream").write_bytes(stream)
    host_with(lab, "odd", "tar", f"cat {lab.folder}/stream; exec 1>&-; sleep 1")
    lab.config(
        CONFIG
        + "add('a', 'odd', 'echo good >result', results=['result'])\nadd('b', 'node1', 'echo good >result', results=['result'])"
    )
    lab.fab("run", "-c", "cfg.py")
    before = set(Path("/tmp").glob("rr-evil")) | set(lab.folder.parent.rglob("evil"))
    done = fab_within_memory(lab, "collect", "-c", "cfg.py", "--io-timeout", "5")
    assert done.returncode == 1
    assert done.stderr.startswith("odd"), done.stderr
    assert "Traceback" not in done.stderr
    (folder,) = (lab.folder / "results").iterdir()
    assert set(Path("/tmp").glob("rr-evil")) | set(lab.folder.parent.rglob("evil")) == before
    assert {path.name for path in (folder / "odd").rglob("*") if not path.is_dir()} <= {"output"}
    assert (folder / "node1/b/results/result").read_text() == "good\n"


# ---- what is kept on hosts


def test_nobody_else_can_read_what_is_kept_and_programs_do_not_notice(lab: Lab) -> None:
    script = "umask >mask; echo said; exec sleep 1000"
    lab.write("f", "content")
    lab.config(
        CONFIG
        + f"add('a', 'node1', {script!r}, files={{'f': 'new/f'}})\n"
        + f"add('b', 'node1', {script!r}, base_dir=None, files={{'f': 'f'}}, ready=util.command('umask >check; true'))\n"
        + "add('c', 'node1', 'exit 0')"
    )
    lab.run("run")
    lab.run("sync", "--always-copy")
    lab.run("stop", "--limit", "a")
    state = lab.node1.home / ".local/state/remote-runner"
    eventually(lambda: (lab.node1.state() / "a/times").exists(), "notes")
    kept = [state, *state.rglob("*")]
    assert {"output", "origin", "launcher", "pid", "status", "times", "check.output", "base_dir"} <= {
        p.name for p in kept
    }
    assert [str(path) for path in kept if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    own = f"{read_umask():04o}\n"
    (temporary,) = lab.node1.tmp.glob("remote-runner.*")
    work = lab.node1.home / "work"
    assert [path.read_text() for path in (work / "mask", temporary / "mask", temporary / "check")] == [own] * 3
    assert stat.S_IMODE((work / "new").stat().st_mode) == 0o777 & ~read_umask()


def read_umask() -> int:
    """Which bits new files do not have."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("folder", ["", "MACHINE", "MACHINE/runner"])
@pytest.mark.parametrize("kind", ["link", "of another user"])
def test_planted_folders_are_refused(lab: Lab, folder: str, kind: str) -> None:
    planted = lab.node1.home / ".local/state/remote-runner" / folder.replace("MACHINE", os.uname().nodename)
    elsewhere = lab.node1.home / "elsewhere"
    elsewhere.mkdir()
    planted.parent.mkdir(parents=True, exist_ok=True)
    if kind == "link":
        planted.symlink_to(elsewhere)
    else:
        planted.mkdir()
        os.chown(planted, 65534, 65534)
    lab.write("f", "content")
    lab.config(CONFIG + "add('a', 'node1', files={'f': 'f'})")
    for command in ("run", "sync", "start", "stop", "status", "logs", "plan", "doctor", "collect", "kill", "wait"):
        done = lab.fab(command, "-c", "cfg.py")
        assert done.returncode == 1, command
        words = done.stdout + done.stderr
        assert f"{planted} belongs to another user, or is a link; take it away" in words
    assert lab.node1.sessions() == []
    assert list(elsewhere.iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "of another user"])
def test_planted_folder_of_a_component_is_refused(lab: Lab, kind: str) -> None:
    """As could be done where an older version, or the user, has left the folder above open."""
    lab.node1.state().mkdir(parents=True)
    elsewhere = lab.node1.home / "elsewhere"
    elsewhere.mkdir()
    planted = lab.node1.state() / "a"
    if kind == "link":
        planted.symlink_to(elsewhere)
    else:
        planted.mkdir()
        os.chown(planted, 65534, 65534)
    for folder in (lab.node1.state(), lab.node1.state().parent):
        folder.chmod(0o777)
    lab.config(CONFIG + "add('a', 'node1')")
    done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    assert f"{planted} belongs to another user, or is a link; take it away" in done.stderr
    assert list(planted.iterdir()) == []
    assert [stat.S_IMODE(path.stat().st_mode) for path in (lab.node1.state(), lab.node1.state().parent)] == [0o700] * 2


def test_planted_staging_folder_is_not_written_to(lab: Lab) -> None:
    lab.write("f", "content")
    lab.config(CONFIG + "add('a', 'node1', files={'f': 'f'})")
    staging = staging_name(lab)
    (lab.node1.home / "elsewhere").mkdir()
    (lab.node1.home / "work" / staging).symlink_to(lab.node1.home / "elsewhere")
    done = lab.fab("sync", "-c", "cfg.py")
    assert done.returncode == 1
    assert done.stderr.startswith(
        f"node1: sync: {lab.node1.home}/work/{staging} is in the way, where files are put first"
    )
    assert list((lab.node1.home / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "of another user"])
def test_planted_temporary_folder_is_not_used(lab: Lab, kind: str) -> None:
    lab.write("f", "content")
    lab.config(CONFIG + "add('a', 'node1', 'pwd >~/where; exec sleep 1000', base_dir=None, files={'f': 'f'})")
    lab.run("sync")
    (temporary,) = lab.node1.tmp.glob("remote-runner.*")
    shutil.rmtree(temporary)
    elsewhere = lab.node1.home / "elsewhere"
    elsewhere.mkdir()
    if kind == "link":
        temporary.symlink_to(elsewhere)
    else:
        temporary.mkdir()
        os.chown(temporary, 65534, 65534)
    lab.run("run")
    eventually(lambda: (lab.node1.home / "where").exists(), "the program")
    assert (lab.node1.home / "where").read_text().strip() not in (str(temporary), str(elsewhere))
    assert list(elsewhere.iterdir()) == list(temporary.iterdir()) == []


def staging_name(lab: Lab) -> str:
    """How staging folders are called there: as they are seen while one is in use."""
    (lab.folder / "f").write_bytes(bytes(300_000_000))
    work = lab.node1.home / "work"
    work.mkdir()
    with subprocess.Popen(lab.command("sync", "-c", "cfg.py"), cwd=lab.folder, env=lab.environment) as fab:
        eventually(lambda: any(work.iterdir()), "a staging folder")
        (name,) = [path.name for path in work.iterdir()]
        fab.kill()
    eventually(lambda: not any(work.iterdir()), "its end")
    (lab.folder / "f").write_text("content")
    return name


# ---- passwords


def test_password_is_seen_nowhere(lab: Lab) -> None:
    secret = "hush-hush-hush"
    lab.config(
        CONFIG
        + "add('a', 'node1', 'env; echo $0 $@; echo x >x; exec sleep 1000', results=['*'])\n"
        + "add('b', 'localhost', 'env; exec sleep 1000')"
    )
    environment = {"REMOTE_RUNNER_PASS": secret}
    said = lab.fab("run", "--collect", "-c", "cfg.py", "-l", "DEBUG", env=environment)
    assert said.returncode == 0
    said_besides = lab.fab("report", "-c", "cfg.py", env=environment)
    assert said_besides.returncode == 0
    for pid in processes_of(lab.farm.folder):
        seen = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
        assert secret.encode() not in seen
    places = [lab.farm.folder, lab.folder]
    found = subprocess.run(["grep", "-rls", secret, *places], capture_output=True, text=True).stdout
    assert found == ""
    assert secret not in said.stdout + said.stderr + said_besides.stdout + said_besides.stderr
    assert (
        json.loads(next(lab.folder.glob("results/*/run.json")).read_text())["options"].keys().isdisjoint({"ssh_pass"})
    )


def test_password_on_the_command_line_is_warned_of(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1')")
    done = lab.fab("kill", "-c", "cfg.py", "--pass", "secret")
    assert done.returncode == 0
    assert done.stderr == (
        "--pass: others can see it in the process list; give --prompt-for-login-password, or $REMOTE_RUNNER_PASS\n"
    )


def test_password_is_in_nothing_that_invoke_and_fabric_tell_to_debug(lab: Lab) -> None:
    """Where it is in fabric.yaml and on the command line; INVOKE_DEBUG alone tells what is said before."""
    lab.config(CONFIG + "add('a', 'node1')")
    (lab.folder / ".fabric.yaml").write_text("remote_runner: {pass: hush-yaml}")
    environment = {"HOME": str(lab.folder)}
    for words in ((), ("--pass", "hush-given")):
        done = lab.fab("-d", "kill", "-c", "cfg.py", *words, env=environment)
        assert done.returncode == 0
        assert "invoke.loader" in done.stderr and "hush" not in done.stdout + done.stderr


def test_password_of_the_environment_counts(lab: Lab) -> None:
    """As the passphrase of a key, here."""
    key = lab.folder / "key"
    shutil.copy(lab.farm.key, key)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", "open, sesame", "-f", key], check=True, capture_output=True
    )
    home = lab.here.home / ".ssh"
    home.mkdir(mode=0o700)
    text = lab.farm.ssh_config.read_text().replace(str(lab.farm.key), str(key))
    config = lab.write("ssh_config", text)
    lab.config(CONFIG + "add('a', 'node1')")
    command = [*lab.command("kill", "-c", "cfg.py")]
    command[command.index("-S") + 1] = str(config)

    def run(**env: str) -> "subprocess.CompletedProcess[str]":
        environment = lab.environment | env
        return subprocess.run(command, cwd=lab.folder, env=environment, capture_output=True, text=True, timeout=60)

    assert "has a passphrase" in run().stderr
    done = run(REMOTE_RUNNER_PASS="open, sesame")
    assert (done.returncode, done.stderr) == (0, "")
    assert own_name() in done.stdout or "nothing to end" in done.stdout
