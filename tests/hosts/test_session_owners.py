"""Owners of sessions: another config or user must not end them by accident."""

import re

import pytest

from fabfile.runner import StageError
from tests.support.lab import Lab
from tests.support.servers import config_of, pid_of

CHANGING = [["run"], ["run", "--no-kill"], ["kill"], ["screen"], ["sync"], ["start"], ["stop"], ["restart"]]
CHANGING += [["wait", "--terminate"]]
REFUSAL = re.compile(
    r"node1: connect: session \"runner\" belongs to \S+/cfg\.py of \w+@\S+ since \d{4}-\d\d-\d\d \d\d:\d\d;"
    r" 2 components run in it \(choose another session with --screen NAME, or take this one over with --replace\)"
)


def begin(lab: Lab) -> int:
    """Run the config of one owner on node1; return the process id of `web` there. The other config is `other.py`."""
    lab.config(config_of("node1", more="add('b', 'node1', 'exec sleep 1000')\n"))
    lab.run("run")
    lab.write("other.py", config_of("node1", "node2", more="add('job', 'node1', 'true', wait=True)\n"))
    return pid_of(lab.node1)


def test_session_of_another_owner_is_refused(lab: Lab) -> None:
    before = begin(lab)
    for command in CHANGING:
        done = lab.fab(*command, "-c", "other.py")
        refusal, *missing, last = done.stderr.splitlines()
        assert len(missing) == (command[0] in ("start", "restart")), "node2 has no session"
        assert (done.returncode, last) == (1, "connect failed; no host was changed")
        assert REFUSAL.fullmatch(refusal)
        assert pid_of(lab.node1) == before
        assert lab.node2.sessions() == []
    done = lab.fab("run", "--keep-going", "-c", "other.py")
    assert done.stderr.splitlines()[-1] == "1 host failed; the other hosts are done", "a repeat would be refused, too"
    assert pid_of(lab.node1) == before and pid_of(lab.node2)


def test_screen_and_replace_get_past_owner(lab: Lab) -> None:
    before = begin(lab)
    assert lab.fab("run", "-c", "other.py", "--screen", "second").returncode == 0
    assert lab.node1.sessions() == ["runner", "second"]
    assert pid_of(lab.node1) == before and pid_of(lab.node1, session="second")
    assert lab.fab("run", "-c", "other.py", "--replace").returncode == 0
    assert pid_of(lab.node1) not in (0, before)
    assert lab.fab("kill", "-c", "cfg.py").returncode == 1  # it belongs to the other one now


def test_settings_may_always_replace(lab: Lab) -> None:
    begin(lab)
    settings = lab.write("settings.yaml", "remote_runner:\n  replace: true\n")
    assert lab.fab("-f", settings, "run", "-c", "other.py").returncode == 0
    assert lab.fab("-f", settings, "kill", "-c", "cfg.py").returncode == 0
    assert lab.node1.sessions() == []
    assert not (lab.node1.state() / ".owner").exists(), "the time in it would be that of an old session"


def test_idle_session_is_replaced(lab: Lab) -> None:
    begin(lab)
    lab.run("stop")
    assert lab.fab("run", "-c", "other.py").returncode == 0
    assert pid_of(lab.node1)


def test_project_owns_session_anywhere(lab: Lab) -> None:
    text = "config.project = 'alpha'\n" + config_of("node1")
    lab.config(text)
    lab.run("run")
    lab.write("elsewhere/cfg.py", text)
    assert lab.fab("kill", "-c", "elsewhere/cfg.py").returncode == 0
    lab.run("run")
    lab.write("beta.py", text.replace("alpha", "beta"))
    done = lab.fab("kill", "-c", "beta.py")
    assert (done.returncode, "belongs to project alpha of " in done.stderr) == (1, True)


def test_session_name_has_an_order(lab: Lab) -> None:
    lab.config("config.screen = 'of-config'\n" + config_of("node1"))
    settings = lab.write("settings.yaml", "remote_runner:\n  screen: of-settings\n")
    assert lab.fab("-f", settings, "screen", "-c", "cfg.py").returncode == 0
    assert lab.fab("-f", settings, "screen", "-c", "cfg.py", "--screen", "runner").returncode == 0
    lab.config(config_of("node1"))
    assert lab.fab("-f", settings, "screen", "-c", "cfg.py").returncode == 0
    assert lab.node1.sessions() == ["of-config", "of-settings", "runner"]


def test_owner_is_checked_under_the_lock(lab: Lab) -> None:
    """Another command may take the session behind our first check."""
    lab.config(config_of("node1"))
    with lab.runner() as runner:
        runner.run()
    before = pid_of(lab.node1)
    lab.write("other.py", config_of("node1"))
    with lab.runner(config="other.py") as other:
        for late in (other._open_sessions, other._renew_sessions, other._sync, lambda: other._start([1])):
            with pytest.raises(StageError, match=r'session "runner" now belongs to .*/cfg.py of '):
                late()
    assert pid_of(lab.node1) == before


def test_status_and_plan_show_the_owner(lab: Lab) -> None:
    begin(lab)
    shown = lab.fab("status", "-c", "other.py").stdout
    assert re.search(r"\nnode1: session \"runner\" belongs to \S+/cfg.py of .*; 2 components run in it\n", shown)
    planned = lab.fab("plan", "-c", "other.py")
    assert planned.returncode == 1
    assert '\n  needs --replace: session "runner" belongs to ' in planned.stdout


def test_status_shows_an_owner_once(lab: Lab) -> None:
    lab.config(config_of("node1", "node2"))
    lab.run("run")
    for host in (lab.node1, lab.node2):
        owner = host.state() / ".owner"
        owner.write_text("".join([*owner.read_text().splitlines(keepends=True)[:2], "1000\n"]))
    lab.write("other.py", config_of("node1", "node2"))
    shown = lab.fab("status", "-c", "other.py").stdout.splitlines()
    assert len(shown) == 1 + 2 + 1, shown
    assert re.fullmatch(
        r"node\[1-2\]: session \"runner\" belongs to \S+/cfg.py of .*; 1 component runs in it", shown[-1]
    )
