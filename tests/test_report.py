"""`fab report`: what it says of components, from a folder or from the hosts, and how a browser shows it."""

import contextlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

from fabfile.components.logs import LogLine
from fabfile.reporting.history import MOODS, Life, Phase, Stage, span
from fabfile.reporting.html import page
from fabfile.reporting.report import LINES, MOST_BYTES, from_folder, write
from fabfile.runner.log_tails import LogTails
from rr_config import Component, ConfigError

from .conftest import Lab, eventually

NOON = 1790000000
EVIL = "<script>document.title = 'evil'</script><b>&amp;</b>"
CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
DESKTOP = {"viewport": {"width": 1200, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "device_scale_factor": 2}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of its own, with a new profile."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM.split())
        yield chromium
        chromium.close()


@contextlib.contextmanager
def viewed(browser: Browser, path: Path, fragment: str = "", **device: Any) -> Iterator[Page]:
    """The page in a window of its own. Fails if it has an error, or asks for anything else."""
    context = browser.new_context(**device)
    shown = context.new_page()
    wrong: list[str] = []
    asked: list[str] = []
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.on("console", lambda message: wrong.append(message.text))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(path.as_uri() + fragment)
    yield shown
    assert (asked, wrong) == ([path.as_uri()], [])
    context.close()


def of(shown: Page, label: str) -> Locator:
    """The part of the page that holds the log of a component."""
    return shown.locator("details", has=shown.locator("summary b").get_by_text(label, exact=True))


def log(shown: Page, label: str) -> str:
    """The end of its output."""
    return of(shown, label).locator("pre").text_content() or ""


def component(label: str, state: str, **more: Any) -> dict[str, Any]:
    host, name = label.split("/", 1)
    known = {"executable": "~/bin/server", "args": [], "start_index": 1, "state": state, "folder": label}
    unknown = dict.fromkeys(("pid", "exit_status", "signal", "started", "ready", "ended", "problem"))
    return {"host": host, "name": name} | unknown | known | more


def life(state: str = "exited", **more: Any) -> Life:
    return Life(**component("h/x", state, **more))


RUN: dict[str, Any] = {
    "format": 2,
    "session": "runner",
    "collected": NOON + 60.5,
    "config": {"path": "/cfg.py", "text": f"# {EVIL}\n"},
    "options": {"screen": "runner", "limit": None, "ssh_pass": "hunter2"},
    "versions": {"remote-runner": "0.1.0"},
    "runs": [],
    "stages": [
        {"stage": "sync", "began": NOON, "ended": NOON + 5.25},
        {"stage": "wait", "began": NOON + 5.25, "ended": None},
    ],
    "components": [
        component("node2/client", "exited", start_index=2, started=NOON + 20, ended=NOON + 40, exit_status=3, pid=7),
        component(
            "node1/db", "ready", started=NOON + 10, ready=NOON + 20, pid=8, args=["--home", {"literal": "a b"}, EVIL]
        ),
        component("node2/db", "exited", started=NOON + 10, ended=NOON + 50, exit_status=0),
        component("node1/gone", "exited", started=NOON + 10, ended=NOON + 30, exit_status=137, signal="SIGKILL"),
        component("node1/late", "waiting", start_index=3),
        component(f"node3/{EVIL}", "unknown", problem="connection refused", start_index=3),
    ],
}
OUTPUTS = {"node1/db": f"listening\n{EVIL}\n", "node2/client": "no such table"}
LABELS = ["node1/db", "node2/db", "node1/gone", "node2/client", "node1/late", f"node3/{EVIL}"]


# ---- what is told of a component


@pytest.mark.parametrize(
    ("given", "phases"),
    [
        (life("waiting"), [Phase("waiting", 0, 100)]),
        (life("unknown"), []),
        (life("running", started=10), [Phase("waiting", 0, 10), Phase("running", 10, 100)]),
        (life("starting", started=10), [Phase("waiting", 0, 10), Phase("starting", 10, 100)]),
        (
            life("ready", started=10, ready=30),
            [Phase("waiting", 0, 10), Phase("starting", 10, 30), Phase("ready", 30, 100)],
        ),
        (
            life(started=0, ready=30, ended=50, exit_status=0),
            [Phase("starting", 0, 30), Phase("ready", 30, 50)],
        ),
        (life(started=10, ended=50, exit_status=1), [Phase("waiting", 0, 10), Phase("running", 10, 50)]),
        (life(started=10, ended=10, exit_status=1), [Phase("waiting", 0, 10)]),
        (life(started=10), [Phase("waiting", 0, 10)]),
    ],
)
def test_phases_of_a_component_follow_each_other(given: Life, phases: list[Phase]) -> None:
    assert given.phases(0, 100) == phases


@pytest.mark.parametrize(
    ("given", "outcome", "mood", "lasted"),
    [
        (life(exit_status=0, started=10, ended=15), "ended with 0", "good", 5),
        (life(exit_status=3, started=10, ended=15), "ended with 3", "bad", 5),
        (life(exit_status=143, signal="SIGTERM", started=10, ended=9), "ended by SIGTERM", "bad", 0),
        (life(started=10), "killed", "bad", None),
        (life("running", started=10), "running", "alive", 90),
        (life("waiting"), "waiting", "open", None),
        (life("unknown", problem="no route\x1b"), "unknown: no route�", "bad", None),
    ],
)
def test_outcome_says_how_a_component_is(given: Life, outcome: str, mood: str, lasted: float | None) -> None:
    assert (given.outcome, given.mood, given.lasted(100)) == (outcome, mood, lasted)
    assert mood in MOODS


def test_timeline_spans_what_is_known_and_goes_on_to_now_while_something_lives() -> None:
    ended = life(started=10, ended=20, exit_status=0)
    assert span([ended, life("waiting")], [], 1000) == (10, 20)
    assert span([ended, life("running", started=15)], [Stage("sync", 2, 9)], 1000) == (2, 1000)
    assert span([life("waiting")], [], 1000) == (1000, 1000)


# ---- from a folder


def results(folder: Path, **changed: Any) -> Path:
    """A folder as `fab collect` makes it."""
    (folder / "node1/db").mkdir(parents=True)
    (folder / "node1/db/output").write_bytes(b"\x1b[1mold\x1b[0m\r\n" + b"10 %\r20 %\n" * LINES + b"end \xff\n")
    (folder / "run.json").write_text(json.dumps(RUN | changed))
    return folder


def test_results_are_read_with_the_end_of_each_log(tmp_path: Path) -> None:
    run, outputs = from_folder(results(tmp_path))
    assert run == RUN
    assert outputs["node1/db"].split("\n") == ["20 %"] * (LINES - 1) + ["end �"]
    assert outputs["node2/db"] == ""
    (tmp_path / "node1/db/output").write_bytes(b"x" * (2 * MOST_BYTES))
    assert len(from_folder(tmp_path)[1]["node1/db"]) == MOST_BYTES


def test_of_results_those_that_limit_chooses_are_reported(tmp_path: Path) -> None:
    run, outputs = from_folder(results(tmp_path), "node1")
    assert {each["host"] for each in run["components"]} == {"node1"}
    assert outputs.keys() == {f"node1/{each['name']}" for each in run["components"]} > set()
    with pytest.raises(ConfigError, match=r"^--limit: 'none' matches no component; there are node1/db"):
        from_folder(tmp_path, "none")


def test_output_outside_of_the_results_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "output").write_text("secret")
    folder = results(tmp_path / "results", components=[component("node1/db", "waiting", folder="..")])
    assert from_folder(folder)[1] == {"node1/db": ""}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("[]", "its format is not 2, which this version reads"),
        (json.dumps(RUN | {"format": 1}), "its format is not 2, which this version reads"),
        (json.dumps(RUN | {"stages": None}), "stages is missing, or of another type"),
        (json.dumps(RUN | {"components": [3]}), "3 is no object"),
        (json.dumps(RUN | {"stages": [{"stage": "x", "began": "y", "ended": 1}]}), "began is missing, or of another"),
        (json.dumps(RUN | {"stages": [3]}), "stage is missing, or of another"),
        (json.dumps(RUN | {"runs": [RUN | {"options": None}]}), "options is missing, or of another"),
        (json.dumps(RUN | {"runs": [RUN | {"config": {"path": "x"}}]}), "text is missing, or of another"),
        (json.dumps(RUN | {"components": [component("h/x", "exited", ended="now")]}), "'ended' must be"),
        (json.dumps(RUN | {"components": [component("h/x", "exited", ended=1e300)]}), "1e+300: is no time from 1970"),
        (json.dumps(RUN | {"components": [component("h/x", "exited", started=-1)]}), "-1: is no time from 1970"),
        (json.dumps(RUN | {"stages": [{"stage": "x", "began": math.nan, "ended": 1}]}), "nan: is no time from 1970"),
        (json.dumps(RUN | {"stages": [{"stage": "x", "began": 1, "ended": math.inf}]}), "inf: is no time from 1970"),
        (json.dumps(RUN | {"collected": 253402300800}), "253402300800: is no time from 1970 to 9000"),
        ("[" * 200_000, "maximum recursion depth exceeded"),
        (json.dumps(RUN | {"components": [{"host": "h"}]}), "missing 12 required positional arguments: 'name'"),
    ],
)
def test_results_of_another_form_are_refused(tmp_path: Path, content: str, problem: str) -> None:
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(
        ConfigError, match="^" + re.escape(f"{tmp_path}/run.json: is not as `fab collect` writes it: ")
    ) as e:
        from_folder(tmp_path)
    assert problem in str(e.value)


def test_command_is_shown_as_one_would_type_it() -> None:
    assert life(args=["--home", {"literal": "a b"}]).command == "~/bin/server --home 'a b'"


def test_what_a_later_version_adds_is_passed_over(tmp_path: Path) -> None:
    folder = results(tmp_path, components=[component("node1/db", "waiting", color="red")], extra=1)
    assert "node1/db" in page(*from_folder(folder))


def test_report_is_made_from_a_folder_without_config_or_host(lab: Lab) -> None:
    folder = results(lab.folder / "results")
    done = lab.fab("report", "--from", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"wrote report\.html \(\d\.\d MB\)\n", done.stdout)
    assert "20 %\nend �</pre>" in (lab.folder / "report.html").read_text()
    empty = lab.fab("report", "--from", lab.folder)
    assert empty.returncode == 2
    assert empty.stderr == f"{lab.folder}: has no run.json; name a folder that `fab collect` has made\n"


# ---- where it is put


def test_only_an_earlier_report_is_replaced(lab: Lab) -> None:
    folder = results(lab.folder / "results")
    for _ in range(2):
        assert lab.fab("report", "--from", folder, "-o", "a.html").returncode == 0
    other = lab.write("b.html", "<html>my own</html>")
    refused = lab.fab("report", "--from", folder, "--output", "b.html")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "-o/--output b.html: is there, and no report; name another file, or say --overwrite\n"
    assert other.read_text() == "<html>my own</html>"
    assert lab.fab("report", "--from", folder, "--output", "b.html", "--overwrite").returncode == 0
    assert other.read_text() != "<html>my own</html>"
    nowhere = lab.fab("report", "--from", folder, "--output", "no/c.html")
    assert (nowhere.returncode, nowhere.stderr) == (2, "-o/--output no/c.html: No such file or directory\n")


def test_without_the_extra_it_is_said_how_to_install_it(lab: Lab) -> None:
    lab.write("lacking/sitecustomize.py", "import sys\nsys.modules['plotly'] = None\n")
    done = lab.fab("report", "--from", results(lab.folder / "r"), env={"PYTHONPATH": str(lab.folder / "lacking")})
    assert done.returncode == 2
    assert done.stderr.startswith("report: ")
    assert done.stderr.endswith("; install what it needs: pip install jinja2 plotly\n")


def test_password_is_on_no_page() -> None:
    assert RUN["options"]["ssh_pass"] not in page(RUN, OUTPUTS)


def test_libraries_of_the_report_are_loaded_for_it_alone() -> None:
    program = "import sys, fabfile; print({'plotly', 'jinja2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# ---- from the hosts

PROGRAMS = """
def add(name, host, script, **more):
    config.add_component(Component(
        name=name, host=host, executable="/bin/sh", args=["-c", script], **{"start_index": 1, **more}))
add("db", "node1", "sleep 1; echo up; exec sleep 1000", ready=util.log("up"))
add("setup", "node1", "sleep 1", start_index=0, ready=util.ended())
add("client", "node2", "seq 300; exit 3", start_index=2)
add("idle", "node3", "exec sleep 1000")
"""


def test_report_of_the_hosts_as_they_are(lab: Lab, browser: Browser) -> None:
    lab.config(PROGRAMS)
    lab.run("run", "--no-zombie")
    eventually(lambda: (lab.node2.state() / "client/status").exists(), "the end of the client")
    lab.farm.stop(lab.node3)
    try:
        done = lab.fab("report", "-c", "cfg.py", env={"REMOTE_RUNNER_PASS": "hunter2"})
    finally:
        lab.farm.start(lab.node3)
    assert done.returncode == 1, "of one host, nothing is known"
    assert done.stderr.startswith("node3: logs: ")
    assert done.stdout.startswith("wrote report.html ")
    content = (lab.folder / "report.html").read_text()
    assert "hunter2" not in content
    with viewed(browser, lab.folder / "report.html") as shown:
        rows = [row.split("\t") for row in shown.locator("#components tbody tr").all_inner_texts()]
        setup, db, idle, client = rows
        assert [row[:3] for row in (setup, db)] == [["setup", "node1", "ended with 0"], ["db", "node1", "ready"]]
        assert client[:3] == ["client", "node2", "ended with 3"]
        assert idle[2].startswith("unknown: ")
        assert all(setup[5:8]), "when it was ready is known after its end, too"
        assert db[5] < db[6] and db[7] == ""
        assert log(shown, "node2/client") == "\n".join(map(str, range(101, 301)))
        assert log(shown, "node1/db") == "up"


def test_the_last_lines_alone_are_kept() -> None:
    one = Component(name="a", host="h", executable="x", start_index=1)
    ends = LogTails()
    for number in range(LINES + 5):
        ends.output(one, LogLine(b"\x1b[1m%d" % number))
    assert ends.outputs() == {"h/a": "\n".join(map(str, range(5, LINES + 5)))}


def test_page_takes_the_place_of_a_link(lab: Lab) -> None:
    folder = results(lab.folder / "results")
    (lab.folder / "report.html").symlink_to("elsewhere")
    (lab.folder / ".report.html.part").symlink_to("elsewhere")
    assert lab.fab("report", "--from", folder).returncode == 0
    assert (lab.folder / "report.html").is_file() and not (lab.folder / "report.html").is_symlink()
    assert not (lab.folder / "elsewhere").exists() and not (lab.folder / ".report.html.part").is_symlink()
    os.mkfifo(lab.folder / "pipe.html")
    pipe = lab.fab("report", "--from", folder, "-o", "pipe.html", "--overwrite")
    assert (pipe.returncode, pipe.stderr) == (2, "-o/--output pipe.html: is no file; name another one\n")


# ---- in a browser


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """The page of `RUN`."""
    write(tmp_path / "report.html", RUN, OUTPUTS)
    return tmp_path / "report.html"


def is_open(shown: Page, label: str) -> bool:
    return bool(of(shown, label).evaluate("details => details.open"))


def row_in_timeline(shown: Page, number: int) -> tuple[float, float]:
    """The middle of the row of a component in the timeline."""
    box = shown.locator("#timeline .barlayer .trace").first.locator(".point").nth(number).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize(("device", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def test_browser_shows_every_component_and_asks_no_network(
    browser: Browser, report: Path, device: dict[str, Any], scheme: str
) -> None:
    with viewed(browser, report, color_scheme=scheme, **device) as shown:
        labels = shown.locator("#timeline .annotation-text").all_text_contents()
        assert [label.partition("  ")[0] for label in labels] == [*LABELS, "stages"]
        names = shown.locator("#components td a").all_text_contents()
        assert names == [label.partition("/")[2] for label in LABELS]
        assert shown.locator("#components td:nth-child(3)").all_text_contents() == [
            *("ready", "ended with 0", "ended by SIGKILL", "ended with 3", "waiting", "unknown: connection refused")
        ]
        assert shown.title().startswith("runner: "), "no script of a name or a log has run"
        assert EVIL in log(shown, "node1/db")
        width = shown.evaluate("document.documentElement.scrollWidth")
        assert width <= device["viewport"]["width"], "nothing to scroll sideways"
        light = [sum(map(int, re.findall(r"\d+", color)[:3])) / 3 for color in colors(shown)]
        paper, *inks = light if scheme == "light" else [255 - each for each in light]
        assert paper > 230 and max(inks) < 128


def colors(shown: Page) -> list[str]:
    """Those of the paper, of text, and of text in the timeline."""
    return [
        str(shown.locator(place).first.evaluate(f"e => getComputedStyle(e).{of_it}"))
        for place, of_it in [
            ("body", "backgroundColor"),
            ("h1", "color"),
            ("#timeline .annotation-text", "fill"),
            ("pre", "color"),
        ]
    ]


@pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_click_on_a_component_opens_its_log(browser: Browser, report: Path, device: dict[str, Any]) -> None:
    with viewed(browser, report, **device) as shown:
        assert [is_open(shown, label) for label in LABELS] == [False, False, True, True, False, True], (
            "the bad ones are"
        )
        press = shown.touchscreen.tap if device is PHONE else shown.mouse.click
        press(*row_in_timeline(shown, 1))
        of(shown, "node2/db").locator("code").wait_for()
        assert not is_open(shown, "node1/db")
        link = shown.locator("#components td a").first
        for _ in range(2):  # also when it has been closed meanwhile
            link.tap() if device is PHONE else link.click()
            shown.get_by_text("listening").wait_for()
            of(shown, "node1/db").locator("summary").click()
            assert not is_open(shown, "node1/db")


def test_address_of_a_component_opens_its_log(browser: Browser, report: Path) -> None:
    with viewed(browser, report, fragment="#log-0") as shown:
        assert is_open(shown, "node1/db")


def test_all_logs_open_and_close_at_once(browser: Browser, report: Path) -> None:
    with viewed(browser, report) as shown:
        for name, is_wanted in (("Open all", True), ("Close all", False), ("Open all", True)):
            shown.get_by_role("button", name=name).click()
            assert {is_open(shown, label) for label in LABELS} == {is_wanted}


def test_timeline_fits_on_paper_and_on_the_screen_again(browser: Browser, report: Path) -> None:
    with viewed(browser, report, "", **DESKTOP) as shown:
        plot = shown.locator("#timeline .main-svg").first
        for event, is_narrow in (("beforeprint", True), ("afterprint", False)):
            shown.evaluate(f"dispatchEvent(new Event('{event}'))")
            assert (plot.evaluate("svg => svg.clientWidth") < 690) == is_narrow
        shown.emulate_media(media="print", color_scheme="dark")
        assert colors(shown)[0] == "rgb(255, 255, 255)", "dark pages are printed light"
