"""Passwords: shown nowhere, and written nowhere."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.config_texts import IN_WORK as CONFIG
from tests.support.config_texts import WEB as COMPONENT
from tests.support.farm import own_name, processes_of
from tests.support.lab import Lab


def test_password_is_visible_nowhere(lab: Lab) -> None:
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
        json.loads(next(lab.folder.glob("results/2*/run.json")).read_text())["options"].keys().isdisjoint({"ssh_pass"})
    )


def test_password_option_prints_warning(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1')")
    done = lab.fab("kill", "-c", "cfg.py", "--pass", "secret")
    assert done.returncode == 0
    assert done.stderr == (
        "--pass: other users can see it in the process list; use --prompt-for-login-password, or $REMOTE_RUNNER_PASS\n"
    )


def test_debug_output_has_no_password(lab: Lab) -> None:
    """The password is in fabric.yaml and on the command line. Only INVOKE_DEBUG shows output before `-d` is parsed."""
    lab.config(CONFIG + "add('a', 'node1')")
    (lab.folder / ".fabric.yaml").write_text("remote_runner: {pass: hush-yaml}")
    environment = {"HOME": str(lab.folder)}
    for words in ((), ("--pass", "hush-given")):
        done = lab.fab("-d", "kill", "-c", "cfg.py", *words, env=environment)
        assert done.returncode == 0
        assert "invoke.loader" in done.stderr and "hush" not in done.stdout + done.stderr


@pytest.mark.transports
def test_password_of_environment_is_used(lab: Lab) -> None:
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
        return subprocess.run(
            command, cwd=lab.folder, env=environment, capture_output=True, text=True, timeout=60, start_new_session=True
        )

    assert re.search(r"\(passphrase needed\)|has a passphrase", run().stderr)
    done = run(REMOTE_RUNNER_PASS="open, sesame")
    assert (done.returncode, done.stderr) == (0, "")
    assert own_name() in done.stdout or "nothing to end" in done.stdout


def test_password_is_never_printed(lab: Lab) -> None:
    lab.config(COMPONENT)
    done = lab.run("run", "--pass", "hush-hush", "--log-level", "DEBUG")
    assert "hush-hush" not in done.stdout + done.stderr
    lab.config(COMPONENT.replace("node1", "nowhere.invalid"))
    done = lab.fab("run", "-p", "hush-hush", "-l", "DEBUG", "-c", "cfg.py")
    assert done.returncode == 1
    assert "hush-hush" not in done.stdout + done.stderr
    state = subprocess.run(["grep", "-r", "hush-hush", lab.node1.folder], capture_output=True, text=True)
    assert state.stdout == ""
