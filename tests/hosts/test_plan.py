"""`fab plan` and `fab config`: they show what a run would do, and change nothing."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.configs import loaded
from tests.support.lab import Lab
from tests.support.sessions import ids

CONFIG = """
def add(name, host="node1", index=1, **more):
    config.add_component(Component(name=name, host=host, start_index=index, executable="/bin/sleep", args=["1000"], **more))
"""
FILES = CONFIG + "add('a', base_dir='~/w', files={'t': 't'})\nadd('b', 'node2', 2, files={'t/f': 'f'})\n"


def planned(lab: Lab, *words: str, code: int = 0) -> dict[str, Any]:
    """Return the output of `fab plan --json`."""
    done = lab.fab("plan", "--json", "-c", "cfg.py", *words)
    assert done.returncode == code, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def sends(lab: Lab, *words: str) -> dict[str, tuple[int, str]]:
    """Of node1: how many bytes of each file would be sent, and why."""
    sync = planned(lab, *words)["hosts"][0]["sync"]
    return {Path(file["remote"]).name: (file["bytes"], file["why"]) for file in sync["send"]}


def everything_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """All that is below a folder, with mode, size and time of change."""
    stats = {str(path): path.lstat() for path in folder.rglob("*")}
    return {path: (found.st_mode, found.st_size, found.st_mtime_ns) for path, found in stats.items()}


def prepare(lab: Lab) -> None:
    for name, text in (("f", "f"), ("g", "gg"), ("h", "hhh")):
        lab.write(f"t/{name}", text)
    lab.config(FILES)


def test_plan_matches_the_run(lab: Lab) -> None:
    prepare(lab)
    found = planned(lab)
    for host in (lab.node1, lab.node2):
        assert everything_of(host.home) == everything_of(host.tmp) == {}
    node1, node2 = found["hosts"]
    assert (node1["ends"], node1["session"]) == ([], None)
    folder = f"{lab.node1.home}/w/t"
    assert [(each["remote"], each["bytes"]) for each in node1["sync"]["send"]] == [
        (f"{folder}/{name}", size) for name, size in (("f", 1), ("g", 2), ("h", 3))
    ]
    assert node1["sync"]["make"] == [str(lab.node1.home / "w"), folder]
    assert [each["remote"] for each in node2["sync"]["send"]] == ["(new temporary folder)/f"]
    assert [(each["start_index"], [w["name"] for w in each["windows"]]) for each in found["starts"]] == [
        (1, ["a"]),
        (2, ["b"]),
    ]
    assert "  node1  3 files, 3 sent (6 B)\n" in lab.run("run", "--sample", "0").stdout
    before = {host.name: everything_of(host.folder) for host in (lab.node1, lab.node2)}
    for own in before.values():
        own.pop(next(name for name in own if name.endswith("sshd.log")))
    found = planned(lab)
    for host in (lab.node1, lab.node2):
        after = everything_of(host.folder)
        assert {path: after[path] for path in before[host.name] if "/tmp" not in path[len(str(host.folder)) :]} == {
            path: own for path, own in before[host.name].items() if "/tmp" not in path[len(str(host.folder)) :]
        }
    assert [host["ends"] for host in found["hosts"]] == [ids(lab.node1), ids(lab.node2)]
    assert [host["sync"]["send"] for host in found["hosts"]] == [[], []]
    assert not any(window["is_running"] for each in found["starts"] for window in each["windows"])


def test_plan_says_why_a_file_is_sent(lab: Lab) -> None:
    prepare(lab)
    lab.run("sync")
    there = lab.node1.home / "w/t"
    (there / "f").write_text("x")
    (there / "g").write_text("other")
    (there / "h").unlink()
    assert sends(lab) == {"f": (1, "different content"), "g": (2, "5 bytes on the host"), "h": (3, "missing")}
    assert set(sends(lab, "--always-copy").values()) == {(n, "--always-copy") for n in (1, 2, 3)}
    (there / "f").chmod(0)
    assert sends(lab)["f"] == (1, "different content")
    assert (there / "f").stat().st_mode & 0o777 == 0
    lab.run("sync")
    (there / "f").chmod(0o600)
    assert planned(lab)["hosts"][0]["sync"] | {"send": []} == {
        "files": 3,
        "send": [],
        "make": [],
        "chmod": [str(there / "f")],
        "problems": [],
        "remove": [],
        "refused": None,
    }


def test_plan_without_kill_keeps_session(lab: Lab) -> None:
    prepare(lab)
    lab.run("run")
    (id_,) = ids(lab.node1)
    lab.run("stop", "--limit", "b")
    found = planned(lab, "--no-kill")
    assert (found["hosts"][0]["ends"], found["hosts"][0]["session"]) == ([], id_)
    assert [window["is_running"] for each in found["starts"] for window in each["windows"]] == [True, False]
    shown = lab.run("plan", "--no-kill").stdout
    assert "  use session runner\n" in shown and "  node1/a  already running\n" in shown


def test_plan_in_words(lab: Lab) -> None:
    prepare(lab)
    lab.config(
        CONFIG.replace('"/bin/sleep", args=["1000"]', '"my prog", args=["$HOME", util.literal("$A"), "it\'s"]')
        + "add('a', base_dir='~/w', env={'A': 'b $HOME'}, files={'t': 't'})\n"
    )
    done = lab.run("plan")
    assert done.stdout.splitlines() == [
        "node1",
        "  start a new session",
        "  send 3 of 3 files (6 B)",
        *(f"    {lab.node1.home}/w/t/{name}  {size} B, missing" for name, size in (("f", 1), ("g", 2), ("h", 3))),
        f"  create folder {lab.node1.home}/w",
        f"  create folder {lab.node1.home}/w/t",
        "start 1",
        """  node1/a  cd ~/w && A='b '"$HOME" ~/'w/my prog' "$HOME" '$A' 'it'"'"'s'""",
    ]
    assert lab.run("--dry", "run").stdout == done.stdout
    assert not (lab.node1.home / "w").exists()
    refused = lab.fab("--dry", "sync", "-c", "cfg.py")
    assert refused.returncode == 2 and "see: fab plan" in refused.stderr


def test_impossible_plan_says_why(lab: Lab) -> None:
    prepare(lab)
    (lab.node1.home / "w/t/f").mkdir(parents=True)
    done = lab.fab("plan", "-c", "cfg.py")
    assert done.returncode == 1
    assert f"  cannot copy {lab.node1.home}/w/t/f: a folder has this path on the host\n" in done.stdout


def test_folder_named_like_a_missing_one_is_real(lab: Lab) -> None:
    prepare(lab)
    lab.config(
        CONFIG + "add('a', base_dir='~/not-yet', files={'t/f': 'not-yet/f'})\nadd('b', files={'t/f': 'not-yet'})\n"
    )
    sync = planned(lab)["hosts"][0]["sync"]
    folder = lab.node1.home / "not-yet"
    assert [file["remote"] for file in sync["send"]] == [f"{folder}/not-yet/f", "(new temporary folder)/not-yet"]
    assert sync["make"] == [str(folder), f"{folder}/not-yet"]


def test_long_file_lists_are_cut(lab: Lab) -> None:
    for number in range(30):
        lab.write(f"t/{number}", "x")
    lab.config(CONFIG + "add('a', base_dir='~/w', files={'t': 't'})")
    assert "    and 10 more; --json has all of them\n" in lab.run("plan").stdout
    assert len(sends(lab)) == 30


# -- the config


def test_config_touches_no_host(lab: Lab) -> None:
    lab.write("m.py", "def muddle(config):\n    config.all_components()[0].args = ['2']\n")
    lab.config(CONFIG + "add('a', 'no-such-host', meta={'k': object()})\nadd('b', 'node1', env={'A': '1'})")
    shown = lab.run("config", "-m", "m.py", "--limit", "no-such*").stdout
    assert "args=['2']" in shown and "name='b'" not in shown
    (first, second) = json.loads(lab.run("config", "--json", "-m", "m.py").stdout)
    assert (first["args"], second["env"], second["ready"]) == (["2"], {"A": "1"}, None)
    lab.config(CONFIG + "add('a')")
    again = loaded(lab.folder / "again", lab.run("config").stdout)
    assert [component.label for component in again.all_components()] == ["node1/a"]


def test_config_output_keeps_raw_bytes(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', env={'A': '\\udcff'})")
    assert "'\\udcff'" in lab.run("config").stdout
    assert os.fsencode("\udcff") == b"\xff"


MUDDLER = """
def muddle(config):
    for component in config.all_components():
        component.args.append("--more")
        component.host = "node2"
"""


def test_diff_shows_muddler_changes(lab: Lab) -> None:
    lab.write("m.py", MUDDLER)
    lab.config(
        "config.add_component(Component(name='a', executable='x', args=['1'], start_index=1))"
    )  # as yet, nowhere
    done = lab.fab("config", "-c", "cfg.py", "-m", "m.py", "--diff")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "--- cfg.py\n+++ --muddler m.py\n@@ -2,7 +2,8 @@\n     Component(\n         name='a',\n"
        "         executable='x',\n-        args=['1'],\n+        args=['1', '--more'],\n+        host='node2',\n"
        "         start_index=1,\n     )\n )\n"
    )


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ([], "--diff: missing --muddler, whose changes to show\n"),
        (["-m", "m.py", "--json"], "--diff: cannot be combined with --json or --limit; it compares whole configs\n"),
        (
            ["-m", "m.py", "--limit", "a"],
            "--diff: cannot be combined with --json or --limit; it compares whole configs\n",
        ),
    ],
)
def test_senseless_diff_is_refused(lab: Lab, words: list[str], problem: str) -> None:
    lab.write("m.py", MUDDLER)
    lab.config("config.add_component(Component(name='a', host='h', executable='x', start_index=1))")
    done = lab.fab("config", "-c", "cfg.py", "--diff", *words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", problem)
