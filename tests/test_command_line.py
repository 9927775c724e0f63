"""What the command line takes: defaults, words that look like options, help, muddlers, the installed command."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path

import pytest
from fabric import Config, Executor
from fabric.main import Fab
from invoke.collection import Collection

import fabfile

from .conftest import FAB, ROOT, Lab, eventually

COMPONENT = """
config.add_component(Component(
    name="web", executable="/bin/sh", args=["-c", "sleep 1000"], host="node1", start_index=1, base_dir="~/work",
))
"""
# Writes what it was given to a file, so that a test can see it.
PARSER = """
import json

def parse_args(extra_args, ssh_user):
    with open("given.json", "w") as file:
        json.dump([extra_args, ssh_user], file)
    return extra_args
"""
OWN = {
    "attach": {"--component"},
    "run": {"--collect", "--to"},
    "collect": {"--to"},
    "doctor": {"--json", "--install", "--yes", "-y"},
    "config": {"--json", "--diff"},
    "plan": {"--json"},
    "status": {"--json", "--watch", "-w"},
    "wait": {"--timeout"},
    "stop": {"--grace"},
    "restart": {"--grace"},
    "logs": {"--follow", "-f", "--lines", "-n", "--raw", "--since", "--timestamps", "-t"},
    "report": {"--from", "--output", "-o", "--overwrite"},
}
COMMANDS = [
    "attach",
    "collect",
    "config",
    "doctor",
    "kill",
    "logs",
    "muddlers",
    "plan",
    "report",
    "restart",
    "run",
    "screen",
    "start",
    "status",
    "stop",
    "sync",
    "wait",
]


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


# ---- defaults


def test_defaults_come_from_fabric_yaml_and_the_command_line_wins(lab: Lab) -> None:
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


def test_fabric_yaml_of_the_project_is_read(lab: Lab, tmp_path: Path) -> None:
    """In the folder that holds `fabfile/`, as Fabric has it."""
    project = tmp_path / "project"
    project.mkdir()
    for name in ("fabfile", "rr_config", "muddlers"):
        (project / name).symlink_to(ROOT / name)
    (project / "fabric.yaml").write_text("remote_runner:\n  config: cfg.py\n  screen: of-project\n")
    lab.config(COMPONENT)
    command = [word.replace(str(ROOT), str(project)) for word in lab.command("screen")[1:]]
    subprocess.run([lab.command()[0], *command], cwd=lab.folder, env=lab.environment, check=True, capture_output=True)
    assert lab.node1.sessions() == ["of-project"]


def test_every_option_can_stand_in_fabric_yaml(lab: Lab) -> None:
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


@pytest.mark.parametrize(
    ("yaml", "word"),
    [
        ("remote_runner:\n  sceen: x\n", "sceen"),
        ("remote_runner:\n  always-copy: perhaps\n", "always_copy"),
        ("remote_runner: 5\n", "remote_runner"),
    ],
)
def test_wrong_defaults_are_refused(lab: Lab, yaml: str, word: str) -> None:
    lab.config(COMPONENT)
    lab.write("f.yaml", yaml)
    refused(lab.fab("-f", "f.yaml", "kill", "-c", "cfg.py"), word)


def test_above_log_level_info_nothing_is_printed_on_success(lab: Lab) -> None:
    lab.config(COMPONENT)
    done = lab.run("run", "--log-level", "WARNING")
    assert (done.stdout, done.stderr) == ("", "")
    lab.config(COMPONENT.replace("/bin/sh", "/no/such"))
    assert "node1/web" in lab.fab("run", "-l", "ERROR", "-c", "cfg.py").stderr


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["-m"], "muddler"),
        (["-m", "--log-level", "INFO"], "muddler"),
        (["-u"], "user"),
        (["--", "id"], "--: leave it"),
        (["--nonsense"], "--nonsense"),
        (["--dry"], "-R/--dry"),
        (["-t", "soon"], "--connect-timeout: 'soon': is no number"),
        (["-S", "nowhere"], "-S/--ssh-config: nowhere: there is no such file"),
        (["-S", "."], "-S/--ssh-config: .: there is no such file"),
        (["-S", "odd_config"], "odd_config: cannot be read as an ssh config: "),
        (["-S", "circle"], "node1: its ProxyJump, in the ssh config, leads back to itself"),
        (["--prompt-for-login-password"], "the password cannot be asked for: standard input is at its end"),
        (["--prompt-for-passphrase"], "the password cannot be asked for: standard input is at its end"),
    ],
)
def test_wrong_command_lines_are_refused(lab: Lab, words: list[str], reason: str) -> None:
    lab.config(COMPONENT)
    lab.write("odd_config", 'Host "node1\n')
    lab.write("circle", "Host node1\n  ProxyJump a\nHost a\n  ProxyJump b\nHost b\n  ProxyJump a\n")
    refused(lab.fab("screen", "-c", "cfg.py", *words), reason)
    assert lab.node1.sessions() == []


def test_ssh_config_of_the_command_line_counts_more_than_that_of_settings(lab: Lab) -> None:
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
    [
        ("| head -n 1", "standard output: broken pipe; going on without it"),
        (">/dev/full", "standard output: no space left on device; going on without it"),
        (">&-", ""),
        (">&- 2>&-", ""),
        ("2>&1 | head -n 1", ""),
    ],
)
def test_run_goes_on_where_its_output_cannot_be_written(lab: Lab, redirection: str, said: str) -> None:
    lab.config(COMPONENT)
    command = shlex.join(lab.command("run", "-c", "cfg.py"))
    script = f"{{ {command}; echo $? >exit; }} {redirection}"
    done = subprocess.run(["sh", "-c", script], cwd=lab.folder, env=lab.environment, capture_output=True, text=True)
    assert (lab.folder / "exit").read_text() == "0\n", done.stderr
    assert done.stderr == (f"{said}\n" if said else "")
    assert (lab.node1.state() / "web/pid").exists()


@pytest.mark.parametrize("words", ["logs -f", "status --watch"])
def test_what_only_shows_ends_with_its_output(lab: Lab, words: str) -> None:
    lab.config(COMPONENT.replace("sleep 1000", "while :; do echo on; sleep 0.1; done"))
    lab.run("run")
    command = shlex.join(lab.command(*words.split(), "-c", "cfg.py"))
    script = f"{{ {command}; echo $? >exit; }} | head -n 1"
    command_line = ["sh", "-c", script]
    done = subprocess.run(command_line, cwd=lab.folder, env=lab.environment, capture_output=True, text=True, timeout=20)
    assert ((lab.folder / "exit").read_text(), done.stderr) == ("130\n", "")


LINES_OF_MANY = """
import threading
from fabfile.console import Console

console = Console("INFO")
def says(say, text):
    for number in range(1000):
        say(text)
threads = [threading.Thread(target=says, args=args) for args in [(console.error, "wrong"), (console.write, b"right\\n")] * 2]
for thread in threads:
    thread.start()
"""


def test_lines_of_both_streams_stay_whole_on_one_terminal() -> None:
    """Also where Python writes every piece at once."""
    command, environment = [sys.executable, "-c", LINES_OF_MANY], os.environ | {"PYTHONUNBUFFERED": "1"}
    both = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, cwd=ROOT, text=True
    )
    assert sorted(both.stdout.splitlines()) == ["right"] * 2000 + ["wrong"] * 2000


# ---- extra args


def test_arg_parser_shows_its_own_help_and_errors(lab: Lab) -> None:
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
    assert listed == COMMANDS


def test_every_command_has_the_same_options(capsys: pytest.CaptureFixture[str]) -> None:
    program = Fab(namespace=Collection.from_module(fabfile), executor_class=Executor, config_class=Config)
    helps = {}
    for command in COMMANDS:
        program.run(["fab", command, "--help"], exit=False)
        helps[command] = capsys.readouterr().out.partition("Options:")[2]
    line = re.compile(r"^  (?:(-\w)(?: STRING| INT)?, )?(--[\w\[\]-]+)", re.MULTILINE)
    options = {command: {name for names in line.findall(text) for name in names} for command, text in helps.items()}
    shared = {"", "-c", "-m", "-u", "-p", "-l", "-a", "--config", "--muddler", "--user", "--pass", "--log-level"}
    shared |= {"--limit", "--parallel", "--host-keys", "--screen", "--[no-]kill", "--[no-]zombie", "--[no-]always-copy"}
    shared |= {"--extra-args", "--arg-parser", "--[no-]terminate", "--on-exit", "--[no-]keep-going", "--max-failures"}
    shared |= {"--retries", "--io-timeout"}
    assert {command: found - shared for command, found in options.items()} == {c: OWN.get(c, set()) for c in COMMANDS}
    assert all(found >= shared for found in options.values())


def test_muddlers_are_listed_with_the_first_line_of_their_docstring(lab: Lab) -> None:
    lab.config("")
    lab.write("muddlers/mine.py", '"""Does my thing.\n\nAnd more."""\ndef muddle(config): pass\n')
    lines = lab.run("muddlers").stdout.splitlines()
    (mine,) = (line for line in lines if line.startswith("mine "))
    (ta3,) = (line for line in lines if line.startswith("ta3 "))
    assert "Does my thing." in mine
    assert "harness" in ta3
    assert "And more" not in "".join(lines)
    assert "ta3" in lab.fab("muddlers").stdout


def test_muddlers_are_applied_in_order_by_name_and_by_path(lab: Lab) -> None:
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


def test_what_is_compiled_is_kept_but_of_what_a_config_imports(lab: Lab) -> None:
    lab.write("helper.py", "")
    lab.config("import helper\n" + COMPONENT)
    kept = lab.folder / "kept"
    lab.fab("config", "-c", "cfg.py", env={"PYTHONPYCACHEPREFIX": str(kept)})
    names = {path.name.partition(".")[0] for path in kept.rglob("*.pyc")}
    assert names >= {"muddlers", "runner", "console"}
    assert not names & {"helper", "completion"}
    nothing = lab.folder / "nothing"
    lab.fab("config", "-c", "cfg.py", env={"PYTHONPYCACHEPREFIX": str(nothing), "PYTHONDONTWRITEBYTECODE": "1"})
    assert not nothing.exists()


# ---- passwords


def test_a_password_is_never_shown(lab: Lab) -> None:
    lab.config(COMPONENT)
    done = lab.run("run", "--pass", "hush-hush", "--log-level", "DEBUG")
    assert "hush-hush" not in done.stdout + done.stderr
    lab.config(COMPONENT.replace("node1", "nowhere.invalid"))
    done = lab.fab("run", "-p", "hush-hush", "-l", "DEBUG", "-c", "cfg.py")
    assert done.returncode == 1
    assert "hush-hush" not in done.stdout + done.stderr
    state = subprocess.run(["grep", "-r", "hush-hush", lab.node1.folder], capture_output=True, text=True)
    assert state.stdout == ""


# ---- the example, and the installed command


def example_runs(lab: Lab, program: Sequence[str | Path]) -> None:
    """The example with its muddler and arg parser on two hosts and localhost, with `program` in place of `fab`."""
    shutil.copytree(ROOT / "example", lab.folder / "example")
    options = ["--config", "example/config.py", "--muddler", "example/arg_muddler.py"]
    options += ["--arg-parser", "example/extra_args_parser.py"]
    options += ["--extra-args", "--hosts node1,node2,localhost --count 1"]
    done = subprocess.run(
        [*program, "-S", lab.farm.ssh_config, "run", *options],
        cwd=lab.folder,
        env=lab.environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    for host in (lab.node1, lab.node2, lab.here):
        name = "localhost" if host is lab.here else host.name
        output = host.state() / f"worker-{name}" / "output"
        eventually(lambda output=output: "muddled" in output.read_text(), f"output of {name}")  # type: ignore[misc]
        assert str(host.home) in output.read_text()
        assert host.sessions() == ["runner"]


def test_example_runs_on_hosts_and_localhost(lab: Lab) -> None:
    example_runs(lab, lab.command()[:3])


def test_example_runs_as_it_stands_on_localhost(lab: Lab) -> None:
    done = lab.fab("run", "--config", ROOT / "example/config.py")
    assert done.returncode == 0, done.stderr
    assert lab.here.sessions() == ["runner"]
    assert "localhost/worker-localhost" in done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`remote-runner` in a fresh virtual environment, which borrows the dependencies of this one."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    ignored = shutil.ignore_patterns(".*", "*.egg-info", "build", "__pycache__", "tests", "bench")
    shutil.copytree(ROOT, source, ignore=ignored)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
    python = folder / "venv/bin/python"
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    packages = Path(subprocess.run([python, "-c", where], check=True, capture_output=True, text=True).stdout.strip())
    # Not through site: this environment's own .pth file, of the editable install, is not to be followed.
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--ignore-installed", source], check=True)
    shutil.rmtree(source)
    return folder / "venv/bin/remote-runner"


def test_installed_command_runs_the_example_from_any_folder(lab: Lab, installed: Path) -> None:
    example_runs(lab, [installed])


def test_installed_command_has_its_muddlers_and_their_harness(lab: Lab, installed: Path) -> None:
    lab.config(COMPONENT.replace('"web"', '"publisher"').replace("sleep 1000", "echo in a harness"))
    command: list[str | Path] = [installed, "-S", lab.farm.ssh_config, "run", "-c", "cfg.py", "-m", "ta3"]
    done = subprocess.run(command, cwd=lab.folder, env=lab.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    output = lab.node1.state() / "publisher/output"
    eventually(lambda: "in a harness" in output.read_text(), "the output of the program")
    assert list((lab.node1.home / "work/logs").iterdir())


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_installed_command_prints_its_completion_script(installed: Path, shell: str) -> None:
    done = subprocess.run([installed, "--print-completion-script", shell], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, (ROOT / f"fabfile/completion.{shell}").read_text())
