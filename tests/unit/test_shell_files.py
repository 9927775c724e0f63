"""Shell files: every script is linted as it is sent, and parses in every sh that a host may have."""

import re
import subprocess

import pytest

from fabfile.components import attach, clean, launcher, ownership, requirements, screen, start, status, stop, wait
from fabfile.components.output import logs
from fabfile.diagnosis import execute, packages, probe
from fabfile.remote import script
from fabfile.remote.script import SCRIPTS, Script, read_script
from fabfile.results import remote_files
from fabfile.runner import plan
from fabfile.transfer import removal
from fabfile.transfer.protocol import remote_commands
from fabfile.transfer.tree import Tree
from rr_config import Component, util
from tests.support.scripts import OWNER, OWNERSHIP

COMPONENT = Component(
    name="a b",
    executable="/bin/true",
    host="h",
    start_index=1,
    args=["$HOME x"],
    env={"A": "$B"},
    ready=util.command("true"),
    needs=["gdb"],
    results=["*.log"],
)
REQUIRED = requirements.as_arguments([COMPONENT])
MANAGER = packages.Manager("apt-get install", is_root=False, has_sudo=True)
SENT = {
    "attach": attach.window_script("s", COMPONENT),
    "collect": remote_files.collect_script("s", [COMPONENT]),
    "doctor": probe.probe_script("s", requirements.requirements([COMPONENT]), ["~", "/"], ["/opt"]),
    "install": packages.install_script(MANAGER, ["screen"]),
    "clean": clean.clean_script("s", OWNER, [COMPONENT], removal.root_words({"~": Tree()}), False, ["s"]),
    "connect": ownership.connect_script("s", OWNER, False, requirements=REQUIRED),
    "exec": execute.exec_script("uptime", 3),
    "logs": logs.logs_script("s", [logs.LogReader(COMPONENT)], logs.Selection()),
    "session": screen.session_script("s", OWNER, False, zombie=True, kill=True, open_=True),
    "plan": plan.present_script("s", OWNER, [COMPONENT]),
    "connect_preview": remote_commands.checked_preview_script(
        ownership.connect_script("s", OWNER, False, requirements=REQUIRED), "s", ["~"]
    ),
    "preview": remote_commands.preview_script("s", ["~"]),
    "start": start.start_script("s", [COMPONENT], "origin", is_last=True, sample=1, ownership=OWNERSHIP),
    "status": status.status_script("s", OWNER, [COMPONENT]),
    "stop": stop.stop_script("s", [COMPONENT], 1, OWNERSHIP),
    "sync": remote_commands.sync_script("s", ["~", "temporary:a"], OWNERSHIP),
    "relayed_sync": remote_commands.sync_script("s", ["~"], OWNERSHIP, is_relayed=True),
    "wait": wait.wait_script("s", [COMPONENT], [COMPONENT]),
}
# Programs of their own, with the lines that stand in front of them.
PROGRAMS = {
    "hash_piece": "",
    "list_pieces": "",
    "launcher": launcher.header(COMPONENT),
    "move_staged": "",
    "note_taker": "",
    "list_planted": "",
    "remove_folders": "",
    "show_window": "id=1.s window=2\n",
    "staging_filter": "export staging=.staging\n",
    "swap_staged": "export staging=.staging\n",
    "find_inside": "",
    "dig_holes": "",
    "remove_listed": "",
    "copy_partial": "",
}
# A library sets variables (SC2034) and has functions (SC2317) that only some scripts use.
LINT = ("shellcheck", "--norc", "--shell=sh", "--exclude=SC2034,SC2317,SC2329,SC3067", "-")
# A script may change these values of its header.
CHANGED = {
    ("wait", "pending"),
    ("doctor", "programs"),
    ("doctor", "places"),
    ("clean", "session"),
    ("clean", "sessions"),
    *(("logs", name) for name in ("positions", "lines", "since")),
}


def full_text(name: str) -> str:
    """Return the text of a script with its comments, among them the directives of shellcheck."""
    return "".join(f"{line}\n" for line in script.included(f"{name}.sh", set()))


def texts() -> dict[str, str]:
    """Return every script as it is sent, but with comments, and with a word in place of a value of several lines."""
    found = {name: header + full_text(name) for name, header in PROGRAMS.items()}
    for name, sent in SENT.items():
        assert sent is not None
        values = {key: "x" if "\n" in str(value) else value for key, value in sent.values.items()}
        arguments = ["x" if "\n" in str(argument) else argument for argument in sent.arguments]
        found[name] = Script(full_text(name), values, arguments).sent_by("me", 1, 1).decode()
    return found


TEXTS = texts()


def test_every_shell_file_is_linted() -> None:
    included: set[str] = set()
    for name in TEXTS:
        script.included(f"{name}.sh", included)
    assert {path.name for path in SCRIPTS.glob("*.sh")} == included | {f"{name}.sh" for name in TEXTS}


@pytest.mark.parametrize("name", TEXTS)
def test_shellcheck_has_no_complaint(name: str) -> None:
    done = subprocess.run(LINT, input=TEXTS[name], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("sh", [["dash"], ["bash", "--posix"], ["busybox", "sh"]], ids=" ".join)
def test_every_script_parses(sh: list[str]) -> None:
    for name, sent in SENT.items():
        assert sent is not None
        done = subprocess.run([*sh, "-n"], input=sent.sent_by("me", 1, 1), capture_output=True)
        assert (done.returncode, done.stderr) == (0, b""), name
    for name, header in PROGRAMS.items():
        done = subprocess.run([*sh, "-n"], input=(header + read_script(f"{name}.sh")).encode(), capture_output=True)
        assert (done.returncode, done.stderr) == (0, b""), name


@pytest.mark.parametrize("name", SENT)
def test_functions_keep_header_values(name: str) -> None:
    """All variables of a script are global: a loop variable of a library could take the name of a value."""
    sent = SENT[name]
    assert sent is not None
    for value in {*sent.values, "controller", "controller_born", "own_group", "package_managers"}:
        assigned = rf"(?m)(^|[\s;({{]){value}=|\bfor {value}\b|\bread( -r)?( \w+)* {value}\b|\bunset {value}\b"
        assert ((name, value) in CHANGED) == bool(re.search(assigned, sent.text)), value


def test_comments_are_not_sent() -> None:
    for name, sent in SENT.items():
        assert sent is not None
        assert not re.search(r"(?m)^\s*#", sent.text), name


def test_process_table_is_parsed_in_one_place() -> None:
    readers = [path.name for path in SCRIPTS.glob("*.sh") if re.search(r"/stat(\"|\b)", path.read_text())]
    # The first one reads the time of the boot from /proc/stat. Others read many processes in one pass.
    assert sorted(readers) == [
        "component_state.sh",
        "descendants.sh",
        "left_processes.sh",
        "proc_stat.sh",
        "sampler.sh",
        "status.sh",
    ]
    splitters = [path.name for path in SCRIPTS.glob("*.sh") if "##*) }" in path.read_text()]
    assert splitters == ["proc_stat.sh"]
