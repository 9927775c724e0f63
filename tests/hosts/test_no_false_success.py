"""No false success: exit code 0 means that all components run or have ended as they should."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import FAB
from tests.support.farm import ThrowawayHost
from tests.support.files import text
from tests.support.lab import Lab, repeat
from tests.support.outcomes import timeless
from tests.support.privileges import NAMESPACE
from tests.support.servers import config_of, pid_of, sleeping
from tests.support.waiting import eventually


def test_crash_while_others_run_is_reported(lab: Lab) -> None:
    more = "add('crash', 'node2', 'sleep 0.5; exit 3')\nadd('last', 'node1', 'sleep 4', 2, wait=True)\n"
    lab.config(config_of("node1", more=more))
    done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    assert timeless(done.stderr).startswith("node2/crash: wait: ended with exit status 3\n")
    assert "  node1/last  ended with exit status 0\n" in timeless(done.stdout)
    assert pid_of(lab.node1)
    waited = lab.fab("wait", "-c", "cfg.py")
    assert (waited.returncode, timeless(waited.stderr).splitlines()[0]) == (
        1,
        "node2/crash: wait: ended with exit status 3",
    )


def test_crash_after_start_is_reported(lab: Lab) -> None:
    more = "add('crash', 'node2', 'exit 3')\nadd('late', 'node1', 'sleep 1000', 2)\nadd('done', 'node1', 'true')\n"
    lab.config(config_of("node1", more=more))
    done = lab.fab("run", "-c", "cfg.py")
    assert (done.returncode, timeless(done.stderr).splitlines()[0]) == (
        1,
        "node2/crash: check: ended with exit status 3",
    )


def test_stopped_component_is_no_failure(lab: Lab) -> None:
    lab.config(config_of("node1", more="add('last', 'node2', 'sleep 6', 2)\n"))
    lab.run("run")
    lab.run("stop", "--limit", "web")
    text = config_of("node1", more="add('last', 'node2', 'sleep 6', 2, wait=True)\n")
    lab.config(text)
    assert "  node2/last  ended with exit status 0\n" in timeless(lab.run("wait").stdout)


HOPPING = """\
import os, signal, time
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
while True:  # each process lives for 30 ms, in a kernel session of its own
    if os.fork():
        os._exit(0)
    os.setsid()
    time.sleep(0.03)
"""


def host_without_cgroups(lab: Lab, name: str, command: str) -> ThrowawayHost:
    """Start a host where `command` runs our scripts, and nobody can create a cgroup."""
    inside = 'mount -t tmpfs none /sys/fs/cgroup && exec sh -c "$SSH_ORIGINAL_COMMAND"'
    force = f"cd && export SSH_ORIGINAL_COMMAND && {command} {NAMESPACE} sh -c '{inside}'"
    return lab.farm.add(name, {"ForceCommand": force})


@pytest.mark.root
@pytest.mark.long
def test_fast_forking_program_is_killed(lab: Lab) -> None:
    """Between the list of all processes and a look at one, this host takes longer than each process lives."""
    slow = 'sleep 0.04; exec /usr/bin/{0} "$@"'
    for program in ("grep", "cat"):
        lab.write(f"bin/{program}", "#!/bin/sh\n" + slow.format(program), 0o755)
    host = host_without_cgroups(lab, "slow", f"PATH={lab.folder}/bin:$PATH exec")
    lab.write("hop.py", HOPPING)
    lab.config(
        config_of(
            "slow",
            more="config.add_component(Component(name='hop', executable='/usr/bin/env', host='slow',\n"
            "    args=['python3', 'hop.py'], files={'hop.py': '.'}, base_dir='work', start_index=1))\n",
        )
    )
    lab.fab("run", "-c", "cfg.py")  # its own process has ended, and so it counts as a failure
    assert "slow  ended " in lab.run("kill").stdout
    mark = f"REMOTE_RUNNER_COMPONENT={host.state()}/hop".encode()
    for _ in range(30):
        for environ in Path("/proc").glob("[0-9]*/environ"):
            try:
                assert mark not in environ.read_bytes()
            except OSError:
                continue


@pytest.mark.root
def test_unkillable_process_is_listed(lab: Lab) -> None:
    """A program of another user, on a host that does not let us signal it."""
    host = host_without_cgroups(lab, "weak", "exec setpriv --bounding-set=-kill")
    other_user = "setpriv --reuid=nobody --clear-groups sh -c 'trap \"\" HUP; echo $$; exec sleep 1000' & wait"
    lab.config(config_of("weak", more=f"add('other', 'weak', {other_user!r})\n"))
    lab.run("run")
    pid = int(text(host.state() / "other/output").split()[0])
    for command in ("stop --grace 0", "kill"):
        done = lab.fab(*command.split(), "-c", "cfg.py")
        assert done.returncode == 1, done.stdout
        assert f"processes still run after SIGKILL: {pid} (sleep, of user nobody)" in done.stderr
        assert done.stderr.count(f"{pid} (") == 1
        assert "; any of these may still run: other, web" in done.stderr
    os.kill(pid, signal.SIGKILL)
    repeat(lab, done.stderr.splitlines()[-1].removeprefix("repeat with: "))
    assert lab.node1.sessions() == []


HIDDEN = """\
import os, signal, time

for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
if "HOME" in os.environ:  # nothing of the environment is left in the next one
    os.execve("/usr/bin/python3", ["python3", "hide.py"], {})
os.setsid()
while True:
    if os.fork():
        os._exit(0)
    time.sleep(0.002)
"""


@pytest.mark.root
def test_cgroup_holds_hidden_programs(lab: Lab) -> None:
    """No mark, no parent, no kernel session, and a new process every 2 ms. Needs a host where we may create cgroups."""
    lab.write("hide.py", HIDDEN)
    lab.config(
        config_of(
            "node1",
            more="config.add_component(Component(name='hide', executable='/usr/bin/env', host='node1',\n"
            "    args=['python3', 'hide.py'], files={'hide.py': '.'}, base_dir='work', start_index=1))\n",
        )
    )
    lab.fab("run", "-c", "cfg.py")
    (cgroup,) = (lab.node1.state() / ".cgroups").read_text().splitlines()
    assert len((Path(cgroup) / "cgroup.procs").read_text().split()) > 3
    lab.run("kill")
    assert not Path(cgroup).exists()


def test_script_in_another_shell_is_refused(lab: Lab) -> None:
    """A start-up file that calls `exec SHELL` replaces our command, and that shell reads the script as its input."""
    lab.farm.add("odd", {"ForceCommand": 'cd "$HOME" && exec bash'})
    lab.config(config_of("odd"))
    for command in ("kill", "status", "run"):
        done = lab.fab(command, "-c", "cfg.py")
        assert done.returncode == 1
        assert "another shell, bash, ran this script" in done.stderr + done.stdout


def test_ctrl_c_while_loading_is_silent(lab: Lab) -> None:
    lab.config(config_of("node1"))
    command = [str(FAB.with_name("remote-runner")), "-S", str(lab.farm.ssh_config), "run", "-c", "cfg.py"]
    pipe = subprocess.PIPE
    for library in ("_rust.abi3.so", "_bcrypt.abi3.so", "_sodium.abi3.so"):  # loaded one after the other
        with subprocess.Popen(command, cwd=lab.folder, env=lab.environment, stdout=pipe, stderr=pipe) as process:
            maps = Path(f"/proc/{process.pid}/maps")
            while library not in maps.read_text() and process.poll() is None:
                pass
            os.kill(process.pid, signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        assert process.returncode == 130, library
        assert b"Traceback" not in errors
    assert lab.node1.sessions() == []


def test_lost_records_start_none_twice(lab: Lab) -> None:
    lab.config(config_of("node1", "node2"))
    lab.run("run")
    (before,) = {pid_of(lab.node1)}
    subprocess.run(["rm", "-rf", lab.node1.state()], check=True)
    done = lab.run("start")
    assert "  node[1-2]/web  already running\n" in done.stdout
    assert len(sleeping(lab)) == 2
    assert pid_of(lab.node1) == before
    lab.run("stop")
    eventually(lambda: sleeping(lab) == [], "both programs have ended")


@pytest.mark.parametrize("command", ["kill", "stop"])
def test_ending_twice_is_no_failure(lab: Lab, command: str) -> None:
    lab.config(config_of("node1"))
    lab.run("run")
    lab.run(command)
    lab.run(command)
