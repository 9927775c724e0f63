"""The command line: defaults from fabric.yaml, wrong options, output, help and muddlers."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.support.checkout import FAB, ROOT
from tests.support.compiled import compiled_names, link_compiled_libraries, remove_compiled_project
from tests.support.config_texts import WEB as COMPONENT
from tests.support.lab import Lab, compiled_modules
from tests.support.names import COMMANDS
from tests.support.outcomes import refused
from tests.support.soak import often

# Writes what it was given to a file, so that a test can see it.
PARSER = """
import json

def parse_args(extra_args, ssh_user):
    with open("given.json", "w") as file:
        json.dump([extra_args, ssh_user], file)
    return extra_args
"""


# ---- defaults


def test_command_line_beats_fabric_yaml(lab: Lab) -> None:
    lab.config(COMPONENT)
    settings = "remote_runner:\n  config: cfg.py\n  screen: {}\n  zombie: false\n"
    (lab.here.home / ".fabric.yaml").write_text(settings.format("of-home"))
    given = lab.write("given.yaml", settings.format("of-file"))
    assert lab.fab("screen").returncode == 0
    assert lab.node1.sessions() == ["of-home"]
    assert lab.fab("-f", given, "screen").returncode == 0
    assert lab.node1.sessions() == ["of-file", "of-home"]
    assert lab.fab("-f", given, "screen", "--screen", "said").returncode == 0
    assert lab.node1.sessions() == ["of-file", "of-home", "said"]


def test_project_fabric_yaml_is_read(lab: Lab, tmp_path: Path) -> None:
    """In the folder that holds `fabfile/`, as Fabric has it."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("fabfile", "rr_config", "muddlers"):
        (project / name).symlink_to(ROOT / name)
    (project / "fabric.yaml").write_text("remote_runner:\n  config: cfg.py\n  screen: of-project\n")
    lab.config(COMPONENT)
    command = [str(project) if word == str(ROOT) else word for word in lab.command("screen")[1:]]
    subprocess.run([lab.command()[0], *command], cwd=lab.folder, env=lab.environment, check=True, capture_output=True)
    assert lab.node1.sessions() == ["of-project"]


def test_fabric_yaml_has_every_option(lab: Lab) -> None:
    lab.config("import json, attrs\nopen('options.json', 'w').write(json.dumps(attrs.asdict(options)))" + COMPONENT)
    lab.write("parser.py", PARSER)
    lab.write("m.py", "def muddle(config): pass\n")
    options = {
        "config": "cfg.py",
        "muddler": ["m.py"],
        "user": "somebody",
        "pass": "secret",
        "log-level": "WARNING",
        "screen": "s",
        "kill": False,
        "zombie": False,
        "always-copy": True,
        "extra-args": "x",
        "arg-parser": "parser.py",
        "terminate": False,
    }
    lab.write("f.yaml", json.dumps({"remote_runner": options}))  # JSON is YAML
    lab.fab("-f", "f.yaml", "kill")
    seen = json.loads((lab.folder / "options.json").read_text())
    expected = {
        "config_file": str(lab.folder / "cfg.py"),
        "ssh_user": "somebody",
        "ssh_pass": "secret",
        "screen": "s",
        "kill_first": False,
        "always_copy": True,
        "no_zombie": True,
        "muddler": ["m.py"],
        "extra_args": "x",
        "arg_parser": "parser.py",
        "log_level": "WARNING",
    }
    assert {name: seen[name] for name in expected} == expected


def test_config_assigns_options(lab: Lab) -> None:
    lab.config(
        "with open('commands', 'a') as file: print(options.command, file=file)\n"
        "options.screen, options.log_level, options.kill_first = 'mine', 'WARNING', False\n" + COMPONENT
    )
    for command in ("screen", "status", "run"):
        result = lab.fab(command, "-c", "cfg.py", "--screen", "given", "--kill")
        assert command == "status" or (result.returncode, result.stderr) == (0, "")
        assert command == "status" or "--log-level WARNING" in result.stdout  # in a hint
    lab.fab("--dry", "run", "-c", "cfg.py")
    assert lab.node1.sessions() == ["mine"]
    assert (lab.folder / "commands").read_text().split() == ["screen", "status", "run", "plan"]


@pytest.mark.parametrize(
    ("yaml", "word"),
    [
        ("remote_runner:\n  sceen: x\n", "sceen"),
        ("remote_runner:\n  always-copy: perhaps\n", "always_copy"),
        ("remote_runner: 5\n", "remote_runner"),
    ],
)
def test_invalid_defaults_are_refused(lab: Lab, yaml: str, word: str) -> None:
    lab.config(COMPONENT)
    lab.write("f.yaml", yaml)
    refused(lab.fab("-f", "f.yaml", "kill", "-c", "cfg.py"), word)


def test_log_level_hides_only_log_messages(lab: Lab) -> None:
    lab.config(COMPONENT + "\nimport logging\nlogging.getLogger('x').warning('hello')\n")
    done = lab.run("run", "--log-level", "ERROR")
    assert "  node1/web  started\n" in done.stdout
    assert done.stderr == ""
    assert "WARNING: hello" in lab.run("run", "--log-level", "WARNING").stderr
    lab.config(COMPONENT.replace("/bin/sh", "/no/such"))
    assert "node1/web" in lab.fab("run", "-l", "ERROR", "-c", "cfg.py").stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-m"], "muddler"),
        (["-m", "--log-level", "INFO"], "muddler"),
        (["-u"], "user"),
        (["--", "id"], "--: not supported; "),
        (["--nonsense"], "--nonsense"),
        (["--dry"], "-R/--dry"),
        (["-t", "soon"], " -t: ambiguous; give --terminate, or --connect-timeout N"),
        (["--connect-timeout", "soon"], "--connect-timeout 'soon': must be a whole number"),
        (["-S", "nowhere"], "-S/--ssh-config: nowhere: no such file"),
        (["-S", "."], "-S/--ssh-config: .: no such file"),
        (["-S", "odd_config"], "odd_config line 1: invalid quotes"),
        (["-S", "circle"], "node1: ProxyJump in the ssh config forms a loop"),
        (["--prompt-for-login-password"], "password prompt: stdin is closed; run the command in a terminal"),
        (["--prompt-for-passphrase"], "password prompt: stdin is closed; run the command in a terminal"),
    ],
)
def test_invalid_command_line_is_refused(lab: Lab, words: list[str], reason: str) -> None:
    lab.config(COMPONENT)
    lab.write("odd_config", 'Host "node1\n')
    lab.write("circle", "Host node1\n  ProxyJump a\nHost a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    refused(lab.fab("screen", "-c", "cfg.py", *words), reason)
    assert lab.node1.sessions() == []


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        ("ps -c cfg.py", "unknown command ps; did you mean status?"),
        ("status -c cfg.py --limt web", "unknown option --limt; did you mean --limit?"),
        ("status -c cfg.py --limit wbe", "--limit: 'wbe' matches no component; did you mean web?"),
        ("status -c wrong.py", "wrong.py:1: unknown name util.prot; did you mean util.port?"),
        ("--help statsu", "unknown command statsu; did you mean status?"),
    ],
)
def test_misspelled_word_gets_a_hint(lab: Lab, words: str, hint: str) -> None:
    lab.config(COMPONENT)
    lab.write("wrong.py", "util.prot(80)\n")
    refused(lab.fab(*words.split()), hint)


def test_ssh_config_of_other_systems_works(lab: Lab) -> None:
    """paramiko cannot parse these lines, and applies `Include` to the wrong hosts."""
    lab.config(COMPONENT)
    lab.write("d/first", "Host *\n  Port 9\n")
    (lab.folder / "d/folder").mkdir()
    odd = f"Match final all\n  ForwardX11Trusted yes\nMatch host=none\n  Port 9\nHost other-*\n  Include {lab.folder}/d/*\n"
    lab.write("ssh_config", odd + lab.farm.ssh_config.read_text())
    done = lab.fab("status", "-c", "cfg.py", "-S", "ssh_config")
    assert (done.returncode, done.stderr) == (0, "")


def test_ssh_config_option_beats_settings(lab: Lab) -> None:
    lab.config(COMPONENT)
    lab.write("nowhere", "Host node1\n  HostName 127.1.1.1\n  Port 1\n")
    lab.write("nowhere.yaml", f"ssh_config_path: {lab.folder}/nowhere\n")
    lab.write("here.yaml", f"ssh_config_path: {lab.farm.ssh_config}\n")
    (lab.here.home / ".fabric.yaml").write_text((lab.folder / "nowhere.yaml").read_text())
    fab = [str(FAB), "-r", str(ROOT)]
    for words, is_found in [
        ([], False),
        (["-f", "here.yaml"], True),
        (["-S", str(lab.farm.ssh_config)], True),
        (["-S", str(lab.farm.ssh_config), "-f", "nowhere.yaml"], True),
    ]:
        done = lab.prefork.run([*fab, *words, "screen", "-c", "cfg.py"], lab.folder, lab.environment, 60)
        assert (done.returncode == 0) == is_found, (words, done.stderr)
        assert is_found or "127.1.1.1 port 1: connection refused" in done.stderr


# ---- where the output goes


@pytest.mark.parametrize(
    ("redirection", "said"),
    often(
        [
            ("| head -n 1", "stdout: broken pipe; continuing without it"),
            (">/dev/full", "stdout: no space left on device; continuing without it"),
            (">&- 2>&-", ""),
        ],
        [(">&-", ""), ("2>&1 | head -n 1", "")],
    ),
)
def test_closed_output_does_not_stop_run(lab: Lab, redirection: str, said: str) -> None:
    lab.config(COMPONENT)
    command = shlex.join(lab.command("run", "-c", "cfg.py"))
    script = f"{{ {command}; echo $? >exit; }} {redirection}"
    done = subprocess.run(["sh", "-c", script], cwd=lab.folder, env=lab.environment, capture_output=True, text=True)
    assert (lab.folder / "exit").read_text() == "0\n", done.stderr
    assert done.stderr == (f"{said}\n" if said else "")
    assert (lab.node1.state() / "web/pid").exists()


@pytest.mark.parametrize("words", ["logs -f", "status --watch"])
def test_viewers_end_with_their_output(lab: Lab, words: str) -> None:
    lab.config(COMPONENT.replace("sleep 1000", "while :; do echo on; sleep 0.1; done"))
    lab.run("run")
    command = shlex.join(lab.command(*words.split(), "-c", "cfg.py"))
    script = f"{{ {command}; echo $? >exit; }} | head -n 1"
    command_line = ["sh", "-c", script]
    done = subprocess.run(command_line, cwd=lab.folder, env=lab.environment, capture_output=True, text=True, timeout=20)
    assert ((lab.folder / "exit").read_text(), done.stderr) == ("130\n", "")


# ---- extra args


def test_arg_parser_prints_help_and_errors(lab: Lab) -> None:
    lab.config("x = extra_options.count\n")
    lab.write(
        "parser.py",
        """
import argparse
def parse_args(extra_args, ssh_user):
    parser = argparse.ArgumentParser("of-the-user")
    parser.add_argument("--count", type=int)
    return parser.parse_args(extra_args.split())
""",
    )
    command = ("run", "-c", "cfg.py", "-a", "parser.py", "--extra-args")
    helped = lab.fab(*command, "--help")
    assert helped.returncode == 0
    assert "usage: of-the-user" in helped.stdout
    refused(lab.fab(*command, "--count many"), "of-the-user: error", "'many'")
    refused(lab.fab("run", "-c", "cfg.py", "--extra-args", "x"), "--arg-parser")


# ---- help and muddlers


def test_list_has_all_commands(lab: Lab) -> None:
    listed = re.findall(r"^  (\w+) ", lab.fab("--list").stdout, re.MULTILINE)
    assert sorted(listed) == COMMANDS


def test_list_has_muddlers_with_docstrings(lab: Lab) -> None:
    lab.config("")
    lab.write("muddlers/mine.py", '"""Does my thing.\n\nAnd more."""\ndef muddle(config): pass\n')
    lines = lab.run("muddlers").stdout.splitlines()
    (mine,) = (line for line in lines if line.startswith("mine "))
    (ta3,) = (line for line in lines if line.startswith("ta3 "))
    assert "Does my thing." in mine
    assert "harness" in ta3
    assert "And more" not in "".join(lines)
    assert "ta3" in lab.fab("muddlers").stdout


def test_muddlers_run_in_given_order(lab: Lab) -> None:
    lab.config(COMPONENT)
    add = """
def muddle(config):
    for component in config.all_components():
        component.meta.setdefault("by", []).append("{}")
"""
    lab.write("muddlers/by_name.py", add.format("name"))
    lab.write("elsewhere/by_path.py", add.format("path"))
    lab.write("show.py", "def muddle(config):\n    raise Exception(*[c.meta['by'] for c in config.all_components()])\n")
    names = ["by_name", "elsewhere/by_path.py"]
    for order in (names, names[::-1]):
        given = [word for name in (*order, "show.py") for word in ("-m", name)]
        expected = ["name" if name == "by_name" else "path" for name in order]
        refused(lab.fab("kill", "-c", "cfg.py", *given), f"Exception: {expected}")


def test_config_imports_leave_no_bytecode(lab: Lab) -> None:
    lab.write("helper.py", "")
    lab.config("import helper\n" + COMPONENT)
    kept = lab.folder / "kept"
    link_compiled_libraries(compiled_modules(lab.farm), kept)
    lab.fab("config", "-c", "cfg.py", env={"PYTHONPYCACHEPREFIX": str(kept)})
    names = compiled_names(kept)
    assert names >= {"discovery", "runner", "console"}
    assert not names & {"helper", "completion"}
    remove_compiled_project(kept)
    before = set(kept.rglob("*"))
    lab.fab("config", "-c", "cfg.py", env={"PYTHONPYCACHEPREFIX": str(kept), "PYTHONDONTWRITEBYTECODE": "1"})
    assert set(kept.rglob("*")) == before
