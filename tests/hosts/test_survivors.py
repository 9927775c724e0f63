"""Processes that a component has started and that outlive its program: status shows them, and stop ends them."""

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import assert_failed
from tests.support.processes import alive, is_alive, noted
from tests.support.waiting import eventually

CONFIG = """
for name in ("hider", "other", "forker", "server"):
    config.add_component(
        Component(name=name, host="node1", executable=f"./{name}", files={f"{name}.sh": name}, start_index=1))
"""

# Each line leaves a process that hides in another way. Its process id is in ~/pid.NAME. The last three are of other screen
# sessions, which inherit the mark and the tag of the component. `screen -ls` does not list the first of these sessions.
HIDER = r"""#!/bin/sh
run() { echo "echo \$\$ >~/pid.$1; exec sleep 1000"; }
bare="env -i HOME=$HOME PATH=$PATH REMOTE_RUNNER_THROWAWAY=$REMOTE_RUNNER_THROWAWAY"
nohup sh -c "$(run nohup)" >/dev/null 2>&1 &
setsid sh -c "$(run session)" &
( (setsid sh -c "$(run daemon)" </dev/null >/dev/null 2>&1 &) & )
$bare nohup sh -c "$(run bare)" >/dev/null 2>&1 &
( ($bare setsid sh -c "$(run bare_daemon)" </dev/null >/dev/null 2>&1 &) & )
( (setsid sh -c "ulimit -S -m unlimited; $(run untagged)" </dev/null >/dev/null 2>&1 &) & )
mkdir -m 700 ~/elsewhere
SCREENDIR=$HOME/elsewhere screen -dmS hidden sh -c "$(run hidden)"
screen -dmS else sh -c "( (setsid sh -c '$(run inner_daemon)' &) & ); $(run inner)"
while [ $(ls ~/pid.* | wc -l) -lt USERS ]; do sleep 0.02; done
echo gone
"""
OTHER_USER = r"""
( (setsid $bare setpriv --reuid 65534 --clear-groups sleep 1000 & echo $! >~/pid.other_user) & )
"""
FORKER = r"""#!/bin/sh
setsid sh -c 'f() { echo >>~/loop; sleep 0.05; f & }; f; exit' &
env -i REMOTE_RUNNER_THROWAWAY=$REMOTE_RUNNER_THROWAWAY setsid python3 -c "
import os, time
while os.fork() == 0:
    open('$HOME/loop', 'a').write(':')
    time.sleep(0.002)
" &
sleep 0.3
"""
OTHER = "#!/bin/sh\nnohup sh -c 'echo $$ >~/pid.others; exec sleep 1000' >/dev/null 2>&1 & sleep 0.2; exit 3\n"


def statuses(lab: Lab) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)}


SERVER = "#!/bin/sh\nexec screen -DmS own sh -c 'echo $$ >~/pid.window; exec sleep 1000'\n"


def begin(lab: Lab, name: str) -> None:
    is_root = os.getuid() == 0
    script = HIDER.replace("mkdir", OTHER_USER.lstrip() + "mkdir") if is_root else HIDER
    lab.write("hider.sh", script.replace("USERS", "10" if is_root else "9"), 0o755)
    lab.write("forker.sh", FORKER, 0o755)
    lab.write("other.sh", OTHER, 0o755)
    lab.write("server.sh", SERVER, 0o755)
    lab.config(CONFIG)
    lab.run("screen")
    lab.run("sync")
    lab.run("start", "--limit", name)
    eventually(lambda: statuses(lab)[name]["state"] == "ended", "the end of the program")


def test_survivors_are_shown_and_stopped(lab: Lab) -> None:
    begin(lab, "hider")
    lab.run("start", "--limit", "other")
    eventually(lambda: statuses(lab)["other"]["state"] == "failed", "the end of the program")
    inner = {"inner", "inner_daemon", "hidden"}
    left = noted(lab.node1).keys() - inner - {"others"}
    found = statuses(lab)
    assert found["hider"]["survivors"] == len(left)
    assert found["hider"]["memory"] > 0 and found["other"]["survivors"] == 1
    shown = lab.fab("status", "-c", "cfg.py").stdout
    assert re.search(rf"hider .* left {len(left)} processes running$", shown, re.MULTILINE), shown
    old = noted(lab.node1)
    stopped = lab.run("stop", "--limit", "hider").stdout
    assert alive(lab.node1) == {*inner, "others"}
    assert f"node1/hider  ended before; ended {len(left)} processes that it had left" in stopped
    assert statuses(lab)["hider"]["survivors"] == 0
    lab.run("restart", "--limit", "other")
    eventually(lambda: noted(lab.node1)["others"] != old["others"], "the second start")
    assert not is_alive(old["others"])
    lab.run("kill")
    assert alive(lab.node1) == inner
    assert "gone" in text(lab.node1.state() / "hider/output")


# Processes without the tag: one has the mark, one descends from that, and one from the program. The last one has 30 MB.
UNTAGGED = r"""#!/bin/sh
untagged='ulimit -S -m unlimited; echo $$ >~/pid'
bare="env -i HOME=$HOME PATH=$PATH REMOTE_RUNNER_THROWAWAY=$REMOTE_RUNNER_THROWAWAY"
( (bare=$bare setsid sh -c "$untagged.marked; \$bare setsid sh -c '$untagged.below; exec sleep 1000' & wait" &) & )
$bare setsid sh -c "text=\$(head -c 30000000 /dev/zero | tr '\0' x); $untagged.child; while sleep 1; do :; done" &
while [ ! -e ~/go ]; do sleep 0.05; done
kill $!
"""


def test_untagged_processes_are_counted(lab: Lab) -> None:
    lab.config(CONFIG)
    for name in ("hider", "forker", "other", "server"):
        lab.write(f"{name}.sh", UNTAGGED, 0o755)
    lab.run("run", "--limit", "server")
    eventually(lambda: alive(lab.node1) == {"marked", "below", "child"}, "all processes")
    assert statuses(lab)["server"]["memory"] > 30_000_000
    (lab.node1.home / "go").touch()
    eventually(lambda: statuses(lab)["server"]["state"] == "ended", "the end of the program")
    assert alive(lab.node1) == {"marked", "below"}
    assert statuses(lab)["server"]["survivors"] == 2
    assert "ended 2 processes that it had left" in lab.run("stop", "--limit", "server").stdout


def test_fork_loop_of_survivors_ends(lab: Lab) -> None:
    begin(lab, "forker")
    lab.run("stop", "--limit", "forker", "--grace", "1")
    loop = lab.node1.home / "loop"
    size = loop.stat().st_size
    assert size > 0
    time.sleep(0.5)
    assert loop.stat().st_size == size


def test_screen_as_program_is_stopped(lab: Lab) -> None:
    """Screen servers that a component starts are left alone, except for its program."""
    lab.config(CONFIG)
    for name, script in {"server": SERVER, "hider": OTHER, "forker": OTHER, "other": OTHER}.items():
        lab.write(f"{name}.sh", script, 0o755)
    lab.run("run", "--limit", "server")
    eventually(lambda: alive(lab.node1) == {"window"}, "the window")
    lab.run("stop", "--limit", "server")
    assert statuses(lab)["server"]["state"] == "stopped"
    eventually(lambda: alive(lab.node1) == set(), "the end of the window")


STRANGER = """#!/bin/sh
run='echo $$ >~/pid.stranger; exec sleep 1000'
bare="env -i HOME=$HOME PATH=$PATH REMOTE_RUNNER_THROWAWAY=$REMOTE_RUNNER_THROWAWAY"
( ($bare setsid sh -c "ulimit -S -m unlimited; $run" &) & )
while [ ! -s ~/pid.stranger ]; do sleep 0.02; done
"""


def test_process_without_a_sign_is_listed(lab: Lab) -> None:
    """`su -` removes tag and environment. So no component of the session can be told from such a process."""
    lab.config(CONFIG)
    for name in ("hider", "forker", "other", "server"):
        lab.write(f"{name}.sh", STRANGER if name == "server" else OTHER, 0o755)
    lab.run("run", "--limit", "server")
    eventually(lambda: statuses(lab)["server"]["state"] == "ended", "the end of the program")
    pid = noted(lab.node1)["stranger"]
    for command in ("stop", "restart"):
        done = lab.fab(command, "--limit", "server", "-c", "cfg.py")
        assert_failed(
            done, node1=f"processes of an unknown component are left: {pid} (sleep); end them by hand, or all"
        )
    assert noted(lab.node1) == {"stranger": pid} and is_alive(pid)
    move_sockets(lab)
    lab.run("kill")
    assert not is_alive(pid)


# A process that has lost tag, environment and parent, but is still in the kernel session of its window.
ORPHAN = """#!/bin/sh
bare="env -i HOME=$HOME PATH=$PATH REMOTE_RUNNER_THROWAWAY=$REMOTE_RUNNER_THROWAWAY"
( $bare sh -c 'trap "" HUP; ulimit -S -m unlimited; text=$(head -c 30000000 /dev/zero | tr "\\0" x); echo $$ >~/pid.orphan
  while sleep 1; do :; done' >/dev/null 2>&1 & )
exec sleep 1000
"""


def test_orphan_in_the_window_is_ended(lab: Lab) -> None:
    lab.config(CONFIG)
    for name in ("hider", "forker", "other", "server"):
        lab.write(f"{name}.sh", ORPHAN if name == "server" else OTHER, 0o755)
    lab.run("run", "--limit", "server")
    eventually(lambda: alive(lab.node1) == {"orphan"}, "the process")
    assert statuses(lab)["server"]["memory"] > 30_000_000
    lab.run("stop", "--limit", "server")
    assert alive(lab.node1) == set()
    assert statuses(lab)["server"]["exit_status"] == 143, "the launcher has not been stopped"


def host_without_python(lab: Lab, folder: Path) -> None:
    """Start the host `bare`, on which no process adopts those that have lost their parent."""
    for path in Path("/usr/bin").iterdir():
        if not path.name.startswith("python"):
            (folder / path.name).symlink_to(path)
    lab.farm.add("bare", {"ForceCommand": f'cd && PATH={folder} exec sh -c "$SSH_ORIGINAL_COMMAND"'})


@pytest.mark.root
def test_cgroup_tells_orphans_of_the_session(lab: Lab, tmp_path: Path) -> None:
    host_without_python(lab, tmp_path)
    lab.config(CONFIG.replace("node1", "bare"))
    for name in ("hider", "forker", "other", "server"):
        lab.write(f"{name}.sh", STRANGER if name == "server" else OTHER, 0o755)
    lab.fab("run", "--limit", "server,other", "-c", "cfg.py")  # fails if `other` has failed by its end
    host = lab.farm.hosts["bare"]
    eventually(lambda: {each["state"] for each in statuses(lab).values()} == {"waiting", "ended", "failed"}, "the ends")
    pid = noted(host)["stranger"]
    for command in ("stop", "restart"):
        done = lab.fab(command, "--limit", "server", "-c", "cfg.py")
        assert_failed(done, bare=f"processes of an unknown component are left: {pid} (sleep); end them by hand, or all")
    assert alive(host) == {"stranger", "others"}
    lab.run("kill")
    assert alive(host) == set()


def move_sockets(lab: Lab) -> None:
    """Let logins look for screen sessions in another folder, as after a change of SCREENDIR."""
    screens = lab.node1.folder / "screens"
    screens.rename(lab.node1.folder / "earlier")
    screens.mkdir(mode=0o700)
