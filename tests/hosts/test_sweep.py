"""`fab sweep` on real hosts: it goes on where it stopped, and runs nothing twice."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import time
from typing import Any

from fabfile.sweeps import Sweep
from rr_config import Options
from tests.support.commands import running
from tests.support.farm import command_lines
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import timeless
from tests.support.waiting import eventually

# Each run of the job adds a line to a file on its host: its parameters, and `begun` or `ended`.
CONFIG = """
params = util.params(n=1, host="node1", pause=0.0, fail=0)
job = Component(name="job", host=params.host, executable="/bin/sh", base_dir="~", start_index=2, wait=True)
job.args = ["-c", 'echo "n=$1 begun" >>runs; sleep "$2"; echo "n=$1 ended" >>runs; echo "rate=$(($1 * 10)).5"; test "$1" != "$3"',
    "sh", params.n, params.pause, params.fail]
job.measures = {"rate": util.measure(log="rate=([0-9.]+)", unit="1/s")}
job.files = util.tree("data", "data", links="keep")
server = Component(name="server", host=params.host, executable="/bin/sleep", args=[1000], start_index=1)
config.add_component(job)
config.add_component(server)
"""


def configure(lab: Lab) -> None:
    lab.config(CONFIG)
    lab.write("data/a", "1")
    (lab.folder / "data/link").symlink_to("a")


def runs_of(lab: Lab, host: str = "node1") -> list[str]:
    return text(lab.farm.hosts[host].home / "runs").splitlines()


def verdicts(lab: Lab) -> dict[str, str]:
    """Return the verdict of each run that is done, by its folder."""
    found = {}
    for path in lab.folder.glob("sweeps/cfg/*/[0-9]/run.json"):
        found[str(path.parent.relative_to(lab.folder / "sweeps/cfg"))] = json.loads(path.read_text())["sweep"][
            "verdict"
        ]
    return found


def table(lab: Lab) -> list[dict[str, str]]:
    lab.fab("report", "--from", "sweeps/cfg", "--table", "t.csv")
    return list(csv.DictReader(io.StringIO((lab.folder / "t.csv").read_text())))


def sleepers(lab: Lab, host: str = "node1") -> list[bytes]:
    lines = command_lines(lab.farm.hosts[host].folder).values()
    return [line for line in lines if line.startswith(b"/bin/sleep\x001000")]


def next_command(said: str) -> list[str]:
    """Return the words of the printed command line to go on with, behind its options of Fabric."""
    line = next(line for line in said.splitlines() if line.startswith("go on with: "))
    parsed = subprocess.run(["sh", "-c", f"printf '%s\\n' {line.removeprefix('go on with: ')}"], capture_output=True)
    words = parsed.stdout.decode().splitlines()
    return words[3 : words.index("-S")]


def test_sweep_goes_on_after_sigkill(lab: Lab) -> None:
    configure(lab)
    words = ("sweep", "--over", "n=1,2,3", "--repeats", "2", "--set", "pause=0.5", "--seed", "1")
    with running(lab, *words) as fab:
        eventually(lambda: len(verdicts(lab)) == 2 and len(runs_of(lab)) >= 5, "the third run", seconds=30)
        fab.kill()
        fab.communicate(timeout=60)
    done_before = verdicts(lab)
    assert set(done_before.values()) == {"succeeded"}
    again = lab.run(*words)
    assert len(verdicts(lab)) == 6
    assert "  before: 2 succeeded, 0 failed, 4 to come\n" in again.stdout
    assert timeless(again.stdout).count("succeeded in") == 4
    begun = [line for line in runs_of(lab) if line.endswith("begun")]
    assert len(begun) == 7, "only the run that was cut off began twice"
    assert (lab.folder / "sweeps/cfg/latest/run.json").exists()
    assert [begun.count(f"n={n} begun") for n in (1, 2, 3)].count(2) == 2
    assert sleepers(lab) == [], "the sessions have ended"
    assert lab.run(*words).stdout.count("succeeded in") == 0
    rows = table(lab)
    assert [(row["n"], row["repeat"], row["rate"]) for row in rows] == [
        (str(n), str(repeat), f"{n}0.5") for n in (1, 2, 3) for repeat in (1, 2)
    ]
    assert list(rows[0]) == ["n", "repeat", "verdict", "seconds", "rate"]
    (lab.folder / "t.csv").write_text("mine")
    again = lab.fab("report", "--from", "sweeps/cfg", "--table", "t.csv")
    assert (again.returncode, text(lab.folder / "t.csv")) == (2, "mine")


def test_interrupted_sweep_stops_its_components(lab: Lab) -> None:
    configure(lab)
    words = ["sweep", "--over", "n=1,2", "--set", "pause=2"]
    for begun, number, code in ((1, signal.SIGTERM, 143), (2, signal.SIGINT, 130)):
        with running(lab, *words) as fab:
            eventually(lambda: len(runs_of(lab)) == begun, "the first run", seconds=30)  # noqa: B023
            os.kill(fab.pid, number)
            said = fab.communicate(timeout=60)[0]
        assert fab.returncode == code, said
        assert "interrupted in run 1 of 2 (n=" in said
        assert sleepers(lab) == []
        assert verdicts(lab) == {}
    assert lab.fab(*next_command(said)).returncode == 0, "the printed command goes on"
    assert set(verdicts(lab).values()) == {"succeeded"}


def test_dead_host_costs_only_its_runs(lab: Lab) -> None:
    configure(lab)
    lab.write("rows.csv", "n,host\n1,node1\n2,node2\n3,node1\n")
    words = ("sweep", "--over", "rows.csv", "-c", "cfg.py")
    lab.farm.stop(lab.node2)
    try:
        stopped = lab.fab(*words, "--seed", "4")
        done = lab.fab(*words, "--keep-going")
    finally:
        lab.farm.start(lab.node2)
    assert (stopped.returncode, done.returncode) == (1, 1)
    assert verdicts(lab) == {
        "host=node1,n=1/1": "succeeded",
        "host=node2,n=2/1": "failed",
        "host=node1,n=3/1": "succeeded",
    }
    assert re.search(r"^  node2: connect: .* connection refused$", stopped.stderr + done.stderr, re.MULTILINE)
    assert "may still run" not in stopped.stderr + done.stderr, "nothing was started there"
    assert done.stdout.count("repeat the failed runs with: ") == 1
    page = lab.fab("report", "--from", "sweeps/cfg/host=node2,n=2/1")
    assert (page.returncode, page.stderr) == (0, ""), "a page about a run that has started nothing"
    before = runs_of(lab)
    assert lab.fab(*words).returncode == 1, "a failed run counts as done"
    assert lab.fab(*words, "--retry-failed").returncode == 0
    assert runs_of(lab) == before
    assert runs_of(lab, "node2") == ["n=2 begun", "n=2 ended"]
    assert (lab.folder / "sweeps/cfg/host=node2,n=2/1.failed-1/run.json").exists()


def test_changed_inputs_are_refused(lab: Lab) -> None:
    configure(lab)
    muddler = lab.write("m.py", "def muddle(config):\n    pass\n")
    words = ("sweep", "-m", str(muddler), "--over", "n=1", "-c", "cfg.py")
    assert lab.fab(*words).returncode == 0
    hint = "sweeps/cfg: its runs would not be comparable; use another folder with --to, or accept both versions with --mixed"
    before = runs_of(lab)

    def refused(*changes: str, more: tuple[str, ...] = ("--repeats", "2")) -> None:
        done = lab.fab(*words, *more)
        assert (done.returncode, done.stderr.splitlines()) == (2, [*changes, hint])
        assert runs_of(lab) == before

    os.utime(lab.folder / "data/a", (1, 1))
    assert lab.fab(*words).returncode == 0, "only the time of a file has changed"
    lab.write("data/b", "new")
    lab.write("data/a", "2")
    refused(f"{lab.folder}/data/a: changed", f"{lab.folder}/data/b: new")
    (lab.folder / "data/b").unlink()
    lab.write("data/a", "1")
    (lab.folder / "data/link").unlink()
    (lab.folder / "data/link").symlink_to("b")
    refused(f"{lab.folder}/data/link: changed")
    (lab.folder / "data/link").unlink()
    (lab.folder / "data/link").symlink_to("a")
    lab.write("m.py", "def muddle(config):\n    return\n")
    refused(f"{muddler}: changed")
    lab.write("m.py", "def muddle(config):\n    pass\n")
    refused("params: {} before, {'pause': '0.1'} now", more=("--set", "pause=0.1"))
    lab.config(f"{CONFIG}\n# changed")
    refused(f"{lab.folder}/cfg.py: changed")
    assert lab.fab(*words, "--repeats", "2", "--mixed").returncode == 0
    record = json.loads((lab.folder / "sweeps/cfg/sweep.json").read_text())
    assert len(record["versions"]) == 2
    digests = [json.loads(text(path))["sweep"]["inputs"] for path in lab.folder.glob("sweeps/cfg/n=1/*/run.json")]
    assert len(set(digests)) == 2
    assert lab.fab(*words, "--repeats", "2").returncode == 0, "the new version is accepted from now on"


def test_files_of_new_values_are_no_change(lab: Lab) -> None:
    configure(lab)
    lab.config(CONFIG.replace('util.tree("data", "data", links="keep")', '{f"data-{params.n}": "data"}'))
    for n in (1, 2, 3):
        lab.write(f"data-{n}", str(n))
    words = ("sweep", "-c", "cfg.py", "--over")
    assert lab.fab(*words, "n=1,2").returncode == 0
    assert lab.fab(*words, "n=1,2,3").returncode == 0, "more values"
    assert lab.fab(*words, "n=1").returncode == 0, "fewer values"
    lab.write("data-2", "new")
    assert lab.fab(*words, "n=1,3").returncode == 0, "no run of these combinations has used it"
    assert lab.fab(*words, "n=1,2,3").returncode == 2


def test_edit_during_a_run_is_noticed(lab: Lab) -> None:
    configure(lab)
    words = ("sweep", "--over", "n=1,2,3", "--set", "pause=1", "--keep-going")
    with running(lab, *words) as fab:
        eventually(lambda: len(runs_of(lab)) == 1, "the first run", seconds=30)
        lab.write("data/a", "new")
        said = fab.communicate(timeout=60)[0]
    assert fab.returncode == 1
    assert f"  localhost: inputs: {lab.folder}/data/a: changed during the run\n" in said
    assert (
        f"localhost: inputs: {lab.folder}/data/a: changed since the command began; undo that, use another folder"
        in said
    )
    assert list(verdicts(lab).values()) == ["failed"], "the other runs have not begun"
    assert sleepers(lab) == []
    lab.write("data/a", "1")
    assert lab.fab(*next_command(said), "--retry-failed").returncode == 0
    assert list(verdicts(lab).values()) == ["succeeded"] * 3


def test_session_of_an_earlier_command_is_ended(lab: Lab) -> None:
    configure(lab)
    with running(lab, "sweep", "--over", "host=node2", "--set", "pause=60") as fab:
        eventually(lambda: len(runs_of(lab, "node2")) == 1, "the first run", seconds=30)
        fab.kill()
        fab.communicate(timeout=60)
    assert len(sleepers(lab, "node2")) == 1
    lab.farm.stop(lab.node2)
    try:
        done = lab.fab("sweep", "-c", "cfg.py", "--over", "host=node1", "--set", "pause=0", "--mixed")
    finally:
        lab.farm.start(lab.node2)
    assert "may still run" in done.stderr
    assert len(sleepers(lab, "node2")) == 1
    assert lab.fab("sweep", "-c", "cfg.py", "--over", "host=node1", "--set", "pause=0").returncode == 0
    assert sleepers(lab, "node2") == [], "the host answers again"


def test_time_limit_fails_only_its_run(lab: Lab) -> None:
    configure(lab)
    lab.write("rows.csv", "n,pause\n1,0\n2,60\n3,0\n")
    began = time.monotonic()
    done = lab.fab("sweep", "--over", "rows.csv", "-c", "cfg.py", "--time-limit", "5", "--keep-going", "--seed", "0")
    assert done.returncode == 1
    assert time.monotonic() - began < 40
    assert "  run: time limit: did not end within 5 s\n" in done.stderr
    assert sorted(verdicts(lab).values()) == ["failed", "succeeded", "succeeded"]
    assert (lab.folder / "sweeps/cfg/n=2,pause=60.0/1/node1/job/output").exists(), "collected all the same"
    assert sleepers(lab) == []


def test_time_limit_while_connecting_collects_nothing(lab: Lab) -> None:
    """The output on the host is that of the run before."""
    force = '[ ! -e ~/slow ] || sleep 1.5; exec sh -c "$SSH_ORIGINAL_COMMAND"'
    slow = lab.farm.add("slow", {"ForceCommand": force})
    configure(lab)
    words = ["sweep", "-c", "cfg.py", "--set", "host=slow", "--over"]
    lab.run(*words, "n=1")
    (slow.home / "slow").touch()
    assert lab.fab(*words, "n=1,2", "--time-limit", "1").returncode == 1
    assert verdicts(lab) == {"n=1/1": "succeeded", "n=2/1": "failed"}
    assert [path.parts[-5] for path in lab.folder.glob("sweeps/cfg/*/*/slow/job/output")] == ["n=1"]


def test_wrong_options_touch_no_host(lab: Lab) -> None:
    configure(lab)
    for words, problem in (
        (["--over", "n=1,x"], "n=x: --set n=x: must be a whole number"),
        (["--over", "m=1"], "m=1: --set m=1: unknown parameter"),
        (["--over", "n=1", "--set", "n=2"], "n=1: --set n: is also in --over; use only one of them"),
        (["--repeats", "0"], "--repeats 0: must be a whole number from 1"),
        (["--time-limit", "0"], "--time-limit 0: must be a number of seconds"),
        (["--over", "n=1", "--to", "data"], "--to data: is not empty, and holds no sweep"),
    ):
        done = lab.fab("sweep", "-c", "cfg.py", *words)
        assert (done.returncode, done.stderr.startswith(problem)) == (2, True), done.stderr
    assert not lab.node1.state().exists()


def test_python_interface_runs_a_sweep(lab: Lab) -> None:
    configure(lab)
    options = Options(config_file=str(lab.folder / "cfg.py"), params={"fail": 2}, keep_going=True)
    settings: Any = lab.runner().settings
    sweep = Sweep(options=options, over=["n=1,2"], repeats=2, to=lab.folder / "s", settings=settings)
    results = sweep.run()
    assert [each.outcome.is_success for each in results if each.outcome].count(True) == 2
    assert [(row["n"], row["verdict"], row["rate"]) for row in sweep.table()] == [
        *[(1, "succeeded", 10.5)] * 2,
        *[(2, "failed", 20.5)] * 2,
    ]
    assert sweep.run() == results
