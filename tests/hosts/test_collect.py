"""`fab collect`: results, output and the state of each component are copied here."""

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.checkout import ROOT
from tests.support.collections import collections_in
from tests.support.connections import sessions_begun
from tests.support.lab import Lab
from tests.support.outcomes import timeless
from tests.support.privileges import NAMESPACE

CONFIG = """
def add(name, host, script, **more):
    config.add_component(Component(name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=1,
        **({"base_dir": "~", "wait": True} | more)))
"""
# Names that a shell, xargs, find, tar or openssl could take for something else.
NAMES = ["a b", "-x", "*", "[z]", "it's", "new\nline", "back\\slash", "$HOME", "ünï", "\udcff", "%s", "x" * 200]


def collections(lab: Lab) -> list[Path]:
    """The folders of all collections, the oldest first."""
    return sorted(collections_in(lab.folder / "results"))


def run_json(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return found


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_collect_brings_output_and_results(lab: Lab) -> None:
    lab.write("sent", "text")
    lab.config(
        CONFIG
        + "add('a', 'node1', 'echo hello; mkdir -p out/deep; echo 1 >out/1.log; echo 2 >out/deep/2; exit 3',"
        + f" results=['out', 'out/*.log', '~/out/deep', '{lab.node1.home}/out/1.log'], files={{'sent': 'there'}})\n"
        + "add('b', 'localhost', 'echo local; echo x >x', results=['x'], base_dir=None)\n"
        + "add('c', 'node2', 'exec sleep 1000', wait=False)"
    )
    before = sessions_begun(lab.node1)
    done = lab.fab("run", "--collect", "--sample=0", "-c", "cfg.py", env={"REMOTE_RUNNER_PASS": "secret word"})
    assert sessions_begun(lab.node1) - before == 5 + 3
    repeat = f"fab -r {ROOT} run --no-kill --config {lab.folder}/cfg.py --limit 'node1/*' --sample 0 --collect"
    assert (done.returncode, timeless(done.stderr)) == (
        1,
        "node1/a: wait: ended with exit status 3\n"
        f"repeat with: {repeat} -S {lab.farm.ssh_config} --prompt-for-login-password\n",
    )
    (folder,) = collections(lab)
    assert f"collected in results/{folder.name}\n" in done.stdout
    found = files_of(folder)
    home = str(lab.node1.home)[1:]
    assert found.pop("node1/a/output").startswith(b"hello\r\n")
    assert found.pop("localhost/b/output").startswith(b"local\r\n")
    text = found.pop("run.json").decode()
    assert found == {
        "node1/a/results/out/1.log": b"1\n",
        "node1/a/results/out/deep/2": b"2\n",
        f"node1/a/results/{home}/out/deep/2": b"2\n",
        f"node1/a/results/{home}/out/1.log": b"1\n",
        "localhost/b/results/x": b"x\n",
        "node2/c/output": b"",
    }
    assert "secret" not in text
    run = json.loads(text)
    _, a, c = run["components"]
    assert (a["state"], a["exit_status"], c["state"]) == ("failed", 3, "running")
    assert a["started"] <= a["ended"] and a["folder"] == "node1/a"
    assert a["collected"]["node1/a/results/out/1.log"] == hashlib.sha1(b"1\n").hexdigest()
    assert run["files"]["node1"].keys() == {f"{lab.node1.home}/there"}
    assert run["config"]["text"] == run["runs"][0]["config"]["text"] == (lab.folder / "cfg.py").read_text()
    assert [each["stage"] for each in run["stages"]] == ["connect", "kill", "screen", "sync", "start 1", "wait"]
    assert ([each["run"] for each in run["components"]], len(run["runs"])) == ([0, 0, 0], 1)
    assert all(each["began"] <= each["ended"] for each in run["stages"])
    assert run["systems"]["node1"].startswith("Linux ") and "fabric" in run["versions"]
    assert lab.fab("report", "--from", f"results/{folder.name}").returncode == 0


def test_run_json_describes_the_past_run(lab: Lab) -> None:
    lab.write("sent", "as it was")
    lab.write("muddler.py", "def muddle(config):\n    pass\n")
    lab.config(
        CONFIG + "add('a', 'node1', 'sleep 1000', wait=False, files={'sent': 'there'})\nadd('b', 'node1', 'exit 0')"
    )
    lab.run("run", "--muddler", "muddler.py", "--pass", "secret word", "--parallel", "7")
    then = (lab.folder / "cfg.py").read_text()
    lab.write("sent", "as it is now")
    (lab.folder / "cfg.py").write_text(f"{then}\n# changed\n")
    lab.run("collect")
    run = run_json(collections(lab)[0])
    (how,) = run["runs"]
    assert (how["config"]["text"], how["options"]["parallel"]) == (then, 7)
    assert how["muddlers"] == [
        {"path": str(lab.folder / "muddler.py"), "text": (lab.folder / "muddler.py").read_text()}
    ]
    assert "secret" not in json.dumps(run)
    assert [each["stage"] for each in run["stages"]] == ["connect", "kill", "screen", "sync", "start 1"]
    there = run["files"]["node1"][f"{lab.node1.home}/there"]
    assert there["sha1"] == hashlib.sha1(b"as it was").hexdigest()
    assert there["changed"] < run["components"][0]["started"] + 1
    lab.run("restart", "--limit", "a")
    (lab.folder / "sent").unlink()
    lab.node1.run("echo other >there")
    lab.run("collect")
    run = run_json(collections(lab)[1])
    assert [how["config"]["text"] == then for how in run["runs"]] == [False, True]
    assert [each["run"] for each in run["components"]] == [0, 1]
    stages = sorted(each["stage"] for each in run["stages"])
    assert stages == ["connect", "connect", "kill", "screen", "start 1", "start 1", "stop 1", "sync"]
    there = run["files"]["node1"][f"{lab.node1.home}/there"]
    assert there["sha1"] == hashlib.sha1(b"other\n").hexdigest()
    assert there["changed"] > run["components"][0]["started"]


def test_unknown_origin_is_not_in_run_json(lab: Lab) -> None:
    lab.config(
        CONFIG + "add('a', 'node1', 'sleep 1000', wait=False)\nadd('b', 'node1', 'exit 0')\nadd('c', 'node2', '')"
    )
    lab.run("run", "--limit", "node1")
    lab.node1.run("cd .local/state/remote-runner/*/runner && echo '[1' >a/origin && rm b/origin")
    lab.run("collect")
    run = run_json(collections(lab)[0])
    assert (run["runs"], [each["run"] for each in run["components"]]) == ([], [None, None, None])
    assert lab.fab("report", "--from", f"results/{collections(lab)[0].name}").returncode == 0


def test_other_sessions_are_not_collected(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'sleep 1000', wait=False)")
    for command in ("run", "kill", "screen", "collect"):
        lab.run(command)
    run = run_json(collections(lab)[0])
    assert (run["runs"], run["components"][0]["state"], run["components"][0]["run"]) == ([], "waiting", None)


def test_every_sent_file_has_a_hash(lab: Lab) -> None:
    for name in NAMES:
        (lab.folder / "sent" / name).parent.mkdir(exist_ok=True)
        (lab.folder / "sent" / name).write_text(name, errors="surrogateescape")
    lab.config(
        CONFIG
        + "add('a', 'node1', 'exit 0', files={'sent': 'there'})\n"
        + "add('b', 'node1', 'exit 0', base_dir=None, files={'cfg.py': 'x', 'sent': 'there'})"
    )
    lab.run("run")
    lab.run("collect")
    found = run_json(collections(lab)[0])["files"]["node1"]
    here = {name: hashlib.sha1((lab.folder / "sent" / name).read_bytes()).hexdigest() for name in NAMES}
    places: list[Callable[[str], bool]] = [
        lambda path: path.startswith(f"{lab.node1.home}/there/"),
        lambda path: path.startswith("/tmp/") and not path.endswith("/x"),
    ]
    in_home, elsewhere = (
        {path.rpartition("/there/")[2]: each["sha1"] for path, each in found.items() if is_there(path)}
        for is_there in places
    )
    assert (in_home, elsewhere) == (here, here)
    assert len(found) == 2 * len(NAMES) + 1


def test_unchanged_files_are_not_brought(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo 1 >one; echo 2 >two; echo 3 >three', results=['one', 't*'])")
    lab.run("run", "--collect", "--sample", "0")
    (lab.node1.home / "two").write_text("X\n")
    (lab.node1.home / "three").write_text("longer\n")
    done = lab.run("collect")
    assert "node1  4 files, 2 brought (9 B)\n" in done.stdout
    first, second = collections(lab)
    for name in ("output", "results/one"):
        assert (first / "node1/a" / name).samefile(second / "node1/a" / name)
    assert (first / "node1/a/results/two").read_text() == "2\n"
    assert (second / "node1/a/results/two").read_text() == "X\n"
    assert (second / "node1/a/results/three").read_text() == "longer\n"
    collected = run_json(second)["components"][0]["collected"]
    for place, sha1 in collected.items():
        assert hashlib.sha1((second / place).read_bytes()).hexdigest() == sha1


@pytest.mark.transports
def test_results_keep_name_mode_and_time(lab: Lab) -> None:
    folder = lab.node1.home / "out"
    folder.mkdir()
    for name in NAMES:
        path = folder / name
        path.write_bytes(os.urandom(700))
        path.chmod(0o640)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    (folder / "empty").touch()
    (folder / "linked").hardlink_to(folder / "empty")
    (folder / "latest").symlink_to(NAMES[0])
    (folder / "into nothing").symlink_to("no such")
    (folder / "elsewhere").symlink_to("/etc")
    with (folder / "large").open("wb") as file:
        for _ in range(10):
            file.write(os.urandom(1 << 20))
    lab.config(
        CONFIG
        + f"add('a', 'node1', 'exit 0', results=['out', '*'])\nadd('b', 'node1', 'exit 0', base_dir='~/out', results={NAMES[:2] + NAMES[4:]!a})"
    )
    lab.run("run")
    for _ in range(2):  # the second time, by their hashes
        lab.run("collect")
    for collection in collections(lab):
        brought = files_of(collection / "node1/a/results/out")
        assert brought == files_of(folder)
        assert brought["latest"] == brought[NAMES[0]]
        assert not any(path.is_symlink() for path in collection.rglob("*"))
        assert {path.name for path in (collection / "node1/b/results").iterdir()} >= set(NAMES) - {"*", "[z]"}
    status = (collections(lab)[0] / "node1/a/results/out/it's").stat()
    assert (status.st_mode & 0o777, status.st_mtime) == (0o640, 1_000_000_000)
    first, second = (collection / "node1/a/results/out" for collection in collections(lab))
    assert all((first / name).samefile(second / name) for name in (path.name for path in first.iterdir()))


def test_failed_results_are_reported(lab: Lab) -> None:
    lab.config(
        CONFIG
        + "add('a', 'node1', 'echo 1 >one; ln -s one link; ln -s no into', results=['one', 'link', 'no*such', '/no/such', 'into*'])\n"
        + "add('b', 'node2', 'exit 0')\nadd('c', 'node3', 'echo 3 >three', results=['../three'], base_dir='~/gone', files={'cfg.py': 'x'})"
    )
    lab.run("run")
    lab.node3.run("mv gone three other 2>/dev/null; mv gone elsewhere")
    lab.farm.stop(lab.node2)
    try:
        done = lab.fab("collect", "-c", "cfg.py", "--to", "here")
    finally:
        lab.farm.start(lab.node2)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert "node1/a.results: collect: no*such: matches nothing" in lines
    assert "node1/a.results: collect: /no/such: matches nothing" in lines
    assert "node1/a.results: collect: into: broken symbolic link" in lines
    assert lines.count("node1/a.results: collect: into: broken symbolic link") == 1
    assert "node3/c.results: collect: ~/gone: no such folder" in lines
    assert any(line.startswith("node2: collect: ") and "connection refused" in line for line in lines)
    (folder,) = collections_in(lab.folder / "here")
    assert done.stdout.endswith(f"collected in here/{folder.name}\n")
    assert (folder / "node1/a/results/one").read_text() == (folder / "node1/a/results/link").read_text() == "1\n"
    assert (folder / "node3/c/output").exists()
    assert [each["state"] for each in run_json(folder)["components"]] == ["ended", "unknown", "ended"]


def test_measures_are_read_and_checked(lab: Lab) -> None:
    script = (
        "printf 'p99=7ms\\np99=9ms\\n'; printf 'rate\\n1.5\\n2.5\\n' >o.csv; echo '{\"a\": {\"b\": \"x\"}}' >o.json"
    )
    lab.config(
        CONFIG
        + f"add('a', 'node1', {script!r}, base_dir=None, measures={{\n"
        + "    'p99': util.measure(log=r'p99=([0-9]+)ms', unit='ms'),\n"
        + "    'rate': util.measure(csv='o.csv', column='rate', reduce='mean')})\n"
        + f"add('b', 'node2', {script!r}, base_dir=None, results=['o.json'], measures={{\n"
        + "    'ops': util.measure(json='o.json', path='a.b'), 'gone': util.measure(csv='no.csv', column='x')})\n"
    )
    done = lab.fab("run", "--collect", "-c", "cfg.py")
    assert (done.returncode, timeless(done.stderr).splitlines()[:2]) == (
        1,
        [
            "node2/b.measures.gone: collect: no.csv: no such file or directory",
            "node2/b.measures.ops: collect: o.json: a.b: 'x' is not a number",
        ],
    )
    (folder,) = collections(lab)
    first, second = (each["measures"] for each in run_json(folder)["components"])
    assert first["p99"] == {"log": "p99=([0-9]+)ms", "unit": "ms", "value": 9, "problem": None}
    assert first["rate"]["value"] == 2
    assert second["ops"]["value"] is None
    assert (folder / "node1/a/results/o.csv").read_text() == "rate\n1.5\n2.5\n"
    assert "measures={'p99': util.measure(log='p99=([0-9]+)ms', unit='ms')" in lab.run("config").stdout


def test_missing_folder_yields_no_results(lab: Lab) -> None:
    (lab.node1.home / "etc").mkdir()
    (lab.node1.home / "etc/hostname").write_text("mine")
    lab.config(
        CONFIG
        + "add('a', 'node1', 'exit 0', base_dir='~/gone', results=['x', '~/etc/hostname'])\n"
        + "add('b', 'node1', 'exit 0', base_dir=None, results=['etc/hostname', '*'])"
    )
    done = lab.fab("collect", "-c", "cfg.py")
    assert done.stderr.splitlines()[:2] == [
        "node1/a.results: collect: ~/gone: no such folder",
        "node1/b.results: collect: its temporary folder: no such folder",
    ]
    (folder,) = collections(lab)
    found = files_of(folder)
    del found["run.json"]
    assert found == {f"node1/a/results{lab.node1.home}/etc/hostname": b"mine"}


def test_parent_results_stay_in_folder(lab: Lab) -> None:
    lab.write("f", "")
    lab.config(
        CONFIG + "add('a', 'node1', 'echo 1 >../one', base_dir='~/w', files={'f': 'f'}, results=['../one', './../one'])"
    )
    lab.run("run", "--collect")
    (folder,) = collections(lab)
    assert (folder / "node1/a/results/up/one").read_text() == "1\n"


def test_unwritable_results_are_reported(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exit 0')")
    lab.write("file", "")
    done = lab.fab("collect", "-c", "cfg.py", "--to", "file")
    assert done.returncode == 2
    assert "--to file: " in done.stderr and "Traceback" not in done.stderr


def test_unwritable_target_touches_no_host(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exit 0')")
    lab.write("taken", "no folder")
    before = sessions_begun(lab.node1)
    for command in (["run", "--collect"], ["collect"]):
        done = lab.fab(*command, "--to", "taken", "-c", "cfg.py")
        assert (done.returncode, done.stderr) == (2, "--to taken: File exists\n")
    assert sessions_begun(lab.node1) == before


@pytest.mark.root
def test_folder_of_another_user_is_refused(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'exit 0')")
    (lab.folder / "disk").mkdir()
    (lab.folder / "results").symlink_to("disk")
    lab.run("collect")
    assert len(collections(lab)) == 1
    os.chown(lab.folder / "disk", 65534, 65534)
    done = lab.fab("collect", "-c", "cfg.py")
    assert (done.returncode, done.stderr) == (
        2,
        "--to results: belongs to another user; choose a folder of your own\n",
    )
    assert len(collections(lab)) == 1


def test_unlinkable_file_is_brought_again(lab: Lab) -> None:
    """As on a file system that has none, or where the last results are on another one."""
    lab.config(CONFIG + "add('a', 'node1', 'echo 1 >x', results=['x'])")
    lab.run("run", "--collect")
    (first,) = collections(lab)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:  # which is a tmpfs, on every Linux
        assert Path(elsewhere).stat().st_dev != lab.folder.stat().st_dev
        shutil.move(first, Path(elsewhere, "first"))
        first.symlink_to(Path(elsewhere, "first"))
        lab.run("collect")
        second = collections(lab)[1]
        assert files_of(second)["node1/a/results/x"] == b"1\n"


def test_link_leads_to_the_latest_collection(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo 1')")
    lab.run("run", "--collect")
    link = lab.folder / "results/latest"
    (first,) = collections(lab)
    assert (link.is_symlink(), link.resolve()) == (True, first.resolve())
    lab.run("collect")
    assert link.resolve() == collections(lab)[-1].resolve() != first.resolve()
    assert (link / "node1/a/output").samefile(first / "node1/a/output"), "linked to the earlier file"
    link.unlink()
    link.write_text("mine")
    lab.run("collect")
    assert link.read_text() == "mine"


def test_last_is_the_newest_results_folder(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo 1 >x', results=['x'])")
    lab.run("run", "--collect")
    (first,) = collections(lab)
    first.rename(lab.folder / "results/with the old switch")
    lab.node1.run("echo 2 >x")
    lab.run("collect")
    lab.run("collect")
    *_, second, third, _ = collections(lab)
    assert (third / "node1/a/results/x").samefile(second / "node1/a/results/x")


def test_local_write_error_exits_with_1(lab: Lab) -> None:
    """A disk may be full when all has been brought."""
    lab.config(CONFIG + "add('a', 'node1', 'exit 0')")
    lab.run("run")
    command = shlex.join(lab.command("collect", "-c", "cfg.py"))
    full = f"mkdir results && mount -t tmpfs -o size=64k,nr_inodes=1 none results && exec {command}"
    words = [*NAMESPACE.split(), "sh", "-c", full]
    done = subprocess.run(words, cwd=lab.folder, env=lab.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    why, repeat = done.stderr.splitlines()
    assert re.fullmatch(r"localhost: collect: results/\S+: no space left on device", why), done.stderr
    assert repeat == f"repeat with: fab -r {ROOT} collect --config {lab.folder}/cfg.py -S {lab.farm.ssh_config}"
