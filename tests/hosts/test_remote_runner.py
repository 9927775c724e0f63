"""The program `remote-runner`: its own options in front of the command, and its name in messages."""

import re
import shlex
import subprocess

import pytest

from tests.support.checkout import FAB
from tests.support.config_texts import WEB as COMPONENT
from tests.support.lab import Lab
from tests.support.outcomes import refused

PROGRAM = FAB.with_name("remote-runner")


def remote_runner(lab: Lab, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `remote-runner` in the folder of the config."""
    command = [str(PROGRAM), "-S", str(lab.farm.ssh_config), *words]
    return lab.prefork.run(command, lab.folder, lab.environment, 60)


def test_options_stand_in_front_of_the_command(lab: Lab) -> None:
    lab.config(COMPONENT + COMPONENT.replace('"web"', '"db"'))
    done = remote_runner(lab, "-c", "cfg.py", "run")
    assert done.returncode == 0, done.stderr
    done = remote_runner(lab, "--config", "cfg.py", "--limit", "web", "status")
    assert (done.returncode, "web" in done.stdout, "db" in done.stdout) == (0, True, False)
    assert remote_runner(lab, "-c", "cfg.py", "--screen", "other", "screen", "kill").returncode == 0
    assert lab.node1.sessions() == ["runner"]
    lab.write("f.yaml", "remote_runner:\n  config: cfg.py\n")
    assert remote_runner(lab, "-f", "f.yaml", "--limit", "db", "kill").returncode == 0
    assert lab.node1.sessions() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "-l DEBUG status",
            "-l DEBUG: lists the commands here; for the log level, type: remote-runner status -l DEBUG",
        ),
        ("-c nowhere.py status", "nowhere.py: no such file"),
        ("-f nowhere status", "-f: nowhere: no such file"),
    ],
)
def test_wrong_option_in_front_is_refused(lab: Lab, words: str, message: str) -> None:
    lab.config(COMPONENT)
    refused(remote_runner(lab, *words.split()), message)


def test_fab_shows_the_place_of_config(lab: Lab) -> None:
    lab.config(COMPONENT)
    refused(lab.fab("--config", "cfg.py", "status"), "; for the config of a command, type: fab status --config cfg.py")
    refused(
        lab.fab("-l", "info", "status"), "-l INFO: lists the commands here; for the log level, type: fab status -l INFO"
    )
    done = lab.fab("--limit", "web", "--config", "cfg.py", "status", "--json")
    assert '"web"' in done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("start -c cfg.py", 1, 'no screen session named "runner"; start one with: remote-runner screen'),
        ("attach web -c cfg.py", 2, "to see output, use: remote-runner logs"),
        ("--dry kill", 2, "see: remote-runner plan"),
        ("run --qqq", 2, "see: remote-runner --help run"),
        ("run -c cfg.py -m 'stagger --qqq'", 2, "see: remote-runner muddlers"),
        ("report --from .", 2, "must be a folder that `remote-runner collect` created"),
    ],
)
def test_messages_show_the_program(lab: Lab, words: str, code: int, message: str) -> None:
    lab.config(COMPONENT)
    done = remote_runner(lab, *shlex.split(words))
    assert (done.returncode, message in done.stderr) == (code, True), done.stderr
    assert not re.search(r"\bfab ", done.stderr)


def test_repeat_line_works_without_settings(lab: Lab) -> None:
    lab.config(COMPONENT)
    done = remote_runner(lab, "start", "-c", "cfg.py")
    line = done.stderr.splitlines()[-1].removeprefix("repeat with: ")
    assert line.startswith("remote-runner start --config ")
    assert remote_runner(lab, "-c", "cfg.py", "screen", "sync").returncode == 0
    repeated = remote_runner(lab, *shlex.split(line)[1:])
    assert repeated.returncode == 0, repeated.stderr
