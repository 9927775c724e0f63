"""`fab report`: from results and from hosts, and the page in a browser."""

import contextlib
import os
import re
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, CDPSession, Locator, Page, sync_playwright

from fabfile.reporting.links import Link, links
from fabfile.reporting.report import from_folder, write
from fabfile.reporting.samples import Sample, Samples
from tests.support.collections import collections_in
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.outcomes import repeat_with, timeless
from tests.support.results import EVIL, NOON, OUTPUTS, RUN, component, many, results
from tests.support.soak import often

CHROMIUM = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
    " --disable-component-update --disable-sync"
)
STATIC = {"java_script_enabled": False}  # plotly takes three quarters of the time of a page
DESKTOP: dict[str, Any] = {"viewport": {"width": 1200, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "is_mobile": True,
    "has_touch": True,
    "device_scale_factor": 2,
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of its own, with a new profile."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM.split())
        yield chromium
        chromium.close()


@contextlib.contextmanager
def viewed(browser: Browser, path: Path, **device: Any) -> Iterator[Page]:
    """The page in a window of its own. Fails if it has an error, or asks for anything else."""
    context = browser.new_context(**device)
    shown = context.new_page()
    wrong: list[str] = []
    asked: list[str] = []
    shown.on("pageerror", lambda error: wrong.append(str(error)))
    shown.on("console", lambda message: wrong.append(message.text))
    shown.on("request", lambda request: asked.append(request.url))
    shown.goto(path.as_uri())
    yield shown
    assert (set(asked), wrong) == ({path.as_uri()}, [])
    context.close()


def of(shown: Page, label: str) -> Locator:
    """The part of the page that holds the log of a component."""
    return shown.locator("details.log", has=shown.locator("summary b").get_by_text(label, exact=True))


def log(shown: Page, label: str) -> str:
    """The end of its output."""
    return of(shown, label).locator("pre").text_content() or ""


LABELS = ["node1/db", "node2/db", "node1/gone", "node2/client", "node1/late", f"node3/{EVIL}"]


# ---- from a folder


def test_report_needs_only_results(lab: Lab) -> None:
    folder = results(lab.folder / "results")
    done = lab.fab("report", "--from", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"wrote report\.html \(\d\.\d MB\)\n", done.stdout)
    assert "20 %\nend �</pre>" in (lab.folder / "report.html").read_text()
    empty = lab.fab("report", "--from", lab.folder)
    assert empty.returncode == 2
    assert empty.stderr == f"{lab.folder}: missing run.json; must be a folder that `fab collect` created\n"


COLLECTED = """
for name, status in (("good", 0), ("bad", 3)):
    config.add_component(Component(name=name, host="node1", executable="/bin/sh", start_index=1, wait=True, results=["r"],
        args=["-c", util.literal(script), name, status], base_dir=f"~/{name}", files={"cfg.py": "x"}))
"""
MAKES_FILES = 'mkdir -p r; for n in "a b" "#?%25" "é" "javascript:1"; do echo "$n" >"r/$n"; done; exit $1'


def test_head_and_links_describe_the_collection(lab: Lab, browser: Browser) -> None:
    lab.config(f"config.project = {EVIL!r}\nscript = {MAKES_FILES!r}\n" + COLLECTED)
    lab.write("muddler.py", "def muddle(config):\n    pass\n")
    lab.write("parser.py", "def parse_args(extra_args, ssh_user):\n    return {}\n")
    given = ["--muddler", "muddler.py", "--arg-parser", "parser.py", "--extra-args", "--size 'a b'"]
    done = lab.fab("run", "--collect", "--sample", "0", "-c", "cfg.py", *given)
    assert done.returncode == 1, done.stderr
    (folder,) = collections_in(lab.folder / "results")
    (lab.folder / "some where").mkdir()
    for page in (folder / "report.html", lab.folder / "some where/a.html"):
        assert lab.fab("report", "--from", folder, "-o", page).returncode == 0
        with viewed(browser, page, **STATIC) as shown:
            assert shown.locator("h1").inner_text() == EVIL
            assert shown.locator(".verdict").inner_text() == "failed: 1 of 2 components"
            head = shown.locator("#head").inner_text()
            assert {"Config", "Duration", "Muddlers", "muddler.py", "Extra arguments", "--size 'a b'"} <= set(
                head.split("\n")
            )
            for name in ("good", "bad"):
                found = of(shown, f"node1/{name}").locator(".files a").evaluate_all("all => all.map(each => each.href)")
                files = [Path(unquote(urlsplit(address).path)) for address in found]
                assert {urlsplit(address).scheme for address in found} == {"file"}
                assert set(files) == {path for path in (folder / "node1" / name).rglob("*") if path.is_file()}
                assert [file.name for file in files] == ["output", "#?%25", "a b", "javascript:1", "é"]


def test_links_stay_in_the_collection(tmp_path: Path) -> None:
    """Both come from the file, and one of them is no file any more."""
    wrong = dict.fromkeys(["/etc/hostname", "../secret", "node1/db/gone", "node1/db/\0", "node1/db/\ud800", "node1/db"])
    (tmp_path / "secret").write_text("secret")
    folder = results(tmp_path / "r", components=[component("node1/db", "waiting", collected=wrong)])
    run, _ = from_folder(folder)
    assert [link.name for link in links(run, folder, tmp_path / "report.html")["node1/db"]] == ["output"]
    many = {f"node1/db/{number}": "" for number in range(2000)}
    run["components"] = [component("node1/db", "waiting", collected=many)]
    assert links(run, folder, tmp_path / "report.html")["node1/db"][-1] == Link("all 2,001 files", "./r/node1/db")


# ---- where it is put


def test_only_old_reports_are_replaced(lab: Lab) -> None:
    folder = results(lab.folder / "results")
    for _ in range(2):
        assert lab.fab("report", "--from", folder, "-o", "a.html").returncode == 0
    other = lab.write("b.html", "<html>my own</html>")
    refused = lab.fab("report", "--from", folder, "--output", "b.html")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert (
        refused.stderr == "-o/--output b.html: exists, and is not a report; choose another file, or add --overwrite\n"
    )
    assert other.read_text() == "<html>my own</html>"
    assert lab.fab("report", "--from", folder, "--output", "b.html", "--overwrite").returncode == 0
    assert other.read_text() != "<html>my own</html>"
    nowhere = lab.fab("report", "--from", folder, "--output", "no/c.html")
    assert (nowhere.returncode, nowhere.stderr) == (2, "-o/--output no/c.html: No such file or directory\n")


def test_missing_extra_has_install_hint(lab: Lab) -> None:
    lab.write("lacking/sitecustomize.py", "import sys\nsys.modules['plotly'] = None\n")
    done = lab.fab("report", "--from", results(lab.folder / "r"), env={"PYTHONPATH": str(lab.folder / "lacking")})
    assert done.returncode == 2
    assert done.stderr.startswith("report: ")
    assert done.stderr.endswith("; install it with: pip install 'remote-runner[report]'\n")
    lab.write("lacking/sitecustomize.py", "import sys\nsys.modules['scipy'] = None\n")
    done = lab.fab("compare", "r", "r", env={"PYTHONPATH": str(lab.folder / "lacking")})
    assert (done.returncode, done.stderr[:9]) == (2, "compare: ")
    assert done.stderr.endswith("; install it with: pip install 'remote-runner[report]'\n")


# ---- from the hosts


PROGRAMS = """
def add(name, host, script, **more):
    config.add_component(Component(
        name=name, host=host, executable="/bin/sh", args=["-c", script], **{"start_index": 1, **more}))
add("db", "node1", "sleep 1; echo up; exec sleep 1000", ready=util.log("up"))
add("setup", "node1", "sleep 1", start_index=0, ready=util.ended())
add("client", "node2", "seq 300; exit 3", start_index=2)
add("idle", "node3", "exec sleep 1000", start_index=3)
"""


def test_report_of_hosts_shows_all_states(lab: Lab, browser: Browser) -> None:
    lab.config(PROGRAMS)
    done = lab.fab("run", "--no-zombie", "-c", "cfg.py")
    assert (done.returncode, timeless(done.stderr).splitlines()) == (
        1,
        [
            "node2/client: check: ended with exit status 3",
            repeat_with(lab, "run --no-kill", "--limit", "node2/*", "--no-zombie"),
        ],
    )
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
    with viewed(browser, lab.folder / "report.html", **STATIC) as shown:
        rows = [row.split("\t") for row in shown.locator("#components tbody tr").all_inner_texts()]
        setup, db, client, idle = rows
        assert [row[:3] for row in (setup, db)] == [["setup", "node1", "ended"], ["db", "node1", "ready"]]
        assert client[:3] == ["client", "node2", "failed: exit status 3"]
        assert idle[2].startswith("unknown: ")
        assert all(setup[5:8]), "when it was ready is known after its end, too"
        assert db[5] < db[6] and db[7] == ""
        assert log(shown, "node2/client") == "\n".join(map(str, range(101, 301)))
        assert log(shown, "node1/db") == "up"


def test_report_replaces_a_link(lab: Lab) -> None:
    folder = results(lab.folder / "results")
    (lab.folder / "report.html").symlink_to("elsewhere")
    (lab.folder / ".report.html.part").symlink_to("elsewhere")
    assert lab.fab("report", "--from", folder).returncode == 0
    assert (lab.folder / "report.html").is_file() and not (lab.folder / "report.html").is_symlink()
    assert not (lab.folder / "elsewhere").exists() and not (lab.folder / ".report.html.part").is_symlink()
    os.mkfifo(lab.folder / "pipe.html")
    pipe = lab.fab("report", "--from", folder, "-o", "pipe.html", "--overwrite")
    assert (pipe.returncode, pipe.stderr) == (2, "-o/--output pipe.html: must be a regular file\n")


def test_trace_replaces_only_a_trace(lab: Lab) -> None:
    folder = results(lab.folder / "results")
    trace = partial(lab.fab, "report", "--from", folder, "--trace")
    assert [trace("a.json").returncode, trace("a.json", "--limit", "db").returncode] == [0, 0]
    assert set(re.findall(r'"thread_name", "args": {"name": "(\w+)"', text(lab.folder / "a.json"))) == {"stages", "db"}
    lab.write("b.json", "{}")
    refused = trace("b.json")
    assert (refused.returncode, text(lab.folder / "b.json")) == (2, "{}")
    assert refused.stderr == "--trace b.json: exists, and is no trace; choose another file, or add --overwrite\n"
    assert trace("b.json", "--overwrite").returncode == 0
    assert lab.fab("report", "--trace", "c.json").stderr == "--trace: needs --from, the folder of a collection\n"


# ---- in a browser


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """The page of `RUN`."""
    used = [Sample(NOON + second, second / 60, 1e6) for second in range(12, 60)]
    write(tmp_path / "report.html", RUN, OUTPUTS, samples=Samples(components={"node1/db": used}))
    return tmp_path / "report.html"


def is_open(shown: Page, label: str) -> bool:
    return bool(of(shown, label).evaluate("details => details.open"))


def row_in_timeline(shown: Page, number: int) -> tuple[float, float]:
    """The middle of the row of a component in the timeline."""
    box = shown.locator("#timeline .barlayer .trace").first.locator(".point").nth(number).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@pytest.mark.parametrize(("device", "scheme"), [(DESKTOP, "light"), (PHONE, "dark")], ids=["desktop", "phone"])
def test_page_works_on_desktop_and_phone(browser: Browser, report: Path, device: dict[str, Any], scheme: str) -> None:
    """It asks no network, too: `viewed` sees to that."""
    with viewed(browser, report, color_scheme=scheme, **device) as shown:
        assert_every_component_is_shown(shown, device["viewport"]["width"], is_light=scheme == "light")
        assert_click_opens_log(shown, has_touch=device is PHONE)
        if device is DESKTOP:
            assert_charts_show_the_same_time(shown)
            assert_timeline_fits_paper_and_screen(shown)
            assert_address_and_buttons_open_logs(shown)


def assert_every_component_is_shown(shown: Page, viewport: int, is_light: bool) -> None:
    labels = shown.locator("#timeline .annotation-text").all_text_contents()
    assert [label.partition("  ")[0] for label in labels] == [*LABELS, "stages"]
    names = shown.locator("#components td a").all_text_contents()
    assert names == [label.partition("/")[2] for label in LABELS]
    assert shown.locator("#components td:nth-child(3)").all_text_contents() == [
        *("ready", "ended", "failed: SIGKILL", "failed: exit status 3", "waiting", "unknown: connection refused")
    ]
    assert shown.title().startswith("cfg.py: "), "no script of a name or a log has run"
    assert EVIL in log(shown, "node1/db")
    width = shown.evaluate("document.documentElement.scrollWidth")
    assert width <= viewport, "nothing to scroll sideways"
    light = [sum(map(int, re.findall(r"\d+", color)[:3])) / 3 for color in colors(shown)]
    paper, *inks = light if is_light else [255 - each for each in light]
    assert paper > 230 and max(inks) < 128


def colors(shown: Page) -> list[str]:
    """Return the colors of the background, of text, and of text in the timeline."""
    return [
        str(shown.locator(place).first.evaluate(f"e => getComputedStyle(e).{of_it}"))
        for place, of_it in [
            ("body", "backgroundColor"),
            ("h1", "color"),
            ("#timeline .annotation-text", "fill"),
            ("pre", "color"),
        ]
    ]


def assert_click_opens_log(shown: Page, has_touch: bool) -> None:
    assert [is_open(shown, label) for label in LABELS] == [False, False, True, True, False, False], "failed ones are"
    press = shown.touchscreen.tap if has_touch else shown.mouse.click
    press(*row_in_timeline(shown, 1))
    of(shown, "node2/db").locator("code").wait_for()
    assert not is_open(shown, "node1/db")
    link = shown.locator("#components td a").first
    for _ in range(2):  # also when it has been closed meanwhile
        link.tap() if has_touch else link.click()
        shown.get_by_text("listening").wait_for()
        of(shown, "node1/db").locator("summary").click()
        assert not is_open(shown, "node1/db")


def assert_charts_show_the_same_time(shown: Page) -> None:
    """Each moment is at the same place of both charts, also after a zoom in one of them."""
    axes = """["timeline", "usage"].map(name => {
        const {range, _offset, _length} = document.getElementById(name)._fullLayout.xaxis;
        return `${range} ${_offset} ${_length}`;
    })"""
    whole, alike = shown.evaluate(axes)
    assert whole == alike
    shown.locator("#usage").scroll_into_view_if_needed()
    box = shown.locator("#usage").bounding_box()
    assert box
    shown.mouse.move(box["x"] + box["width"] * 0.3383, box["y"] + 60)  # a label is at the edge then
    shown.mouse.down()
    shown.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 60, steps=5)
    shown.mouse.up()
    shown.wait_for_function(f"before => {axes}[0] != before && {axes}[1] != before", arg=whole)
    part, alike = shown.evaluate(axes)
    assert part == alike
    shown.mouse.dblclick(box["x"] + box["width"] / 2, box["y"] + 60)
    shown.wait_for_function(f"before => {axes}[0] == before && {axes}[1] == before", arg=whole)


def assert_timeline_fits_paper_and_screen(shown: Page) -> None:
    plot = shown.locator("#timeline .main-svg").first
    for event, is_narrow in (("beforeprint", True), ("afterprint", False)):
        shown.evaluate(f"dispatchEvent(new Event('{event}'))")
        assert (plot.evaluate("svg => svg.clientWidth") < 690) == is_narrow
    swatch = shown.locator(".curves i").first
    assert swatch.evaluate("i => getComputedStyle(i).printColorAdjust") == "exact"
    shown.emulate_media(media="print", color_scheme="dark")
    assert shown.locator("#usage").evaluate("e => getComputedStyle(e).breakInside") == "avoid"
    assert colors(shown)[0] == "rgb(255, 255, 255)", "dark pages are printed light"


def assert_address_and_buttons_open_logs(shown: Page) -> None:
    """Load the page again with a fragment. A new window would compile plotly again, which takes 3 s of CPU."""
    shown.emulate_media(media="screen")
    shown.goto(shown.url.partition("#")[0] + "#log-0")  # the same document
    shown.reload()
    assert is_open(shown, "node1/db")
    for name, is_wanted in (("Open all", True), ("Close all", False), ("Open all", True)):
        shown.get_by_role("button", name=name).click()
        assert {is_open(shown, label) for label in LABELS} == {is_wanted}


# ---- many components


def rows(shown: Page) -> list[list[str]]:
    """Return the texts of the first three cells of each row of the table, except those of groups."""
    texts = shown.locator("#components tbody tr:not(.group)").all_inner_texts()
    return [text.split("\t")[:3] for text in texts]


def groups(shown: Page) -> list[str]:
    """Return the text of each group's head: its name, and how many of its components are in each state."""
    script = "all => all.map(th => [...th.children].map(each => each.textContent).join(' '))"
    return list(shown.locator("#components .group th").evaluate_all(script))


def closed_screens(shown: Page) -> float:
    """Close all logs; return the height of the page in screens."""
    shown.evaluate("logs.forEach(log => { log.open = false; })")
    return float(shown.evaluate("document.documentElement.scrollHeight / innerHeight"))


def failing(number: int) -> dict[str, Any]:
    return component(f"node{number}/{'x' * 60}{number}", "failed", exit_status=number, started=NOON)


STAGES = [{"stage": "sync", "began": NOON + number, "ended": NOON + number + 1} for number in range(300)]
# Pages that are long for different reasons. Each worker imports this file, so only a test makes them.
LONG_PAGES: dict[str, Callable[[], tuple[dict[str, Any], dict[str, str]]]] = {
    "60 hosts": lambda: many(60),
    "all failed": lambda: (
        RUN | {"components": [failing(number) for number in range(1, 256)], "stages": STAGES, "runs": [RUN] * 30},
        {failing(number)["folder"]: "error " * 40 for number in range(1, 256)},
    ),
    "many names": lambda: (RUN | {"components": [component(f"node{n}/job{n}", "waiting") for n in range(400)]}, {}),
}


# The browser takes 4 s of CPU for each page.
@pytest.mark.parametrize("kind", often(["60 hosts"], ["all failed", "many names"]))
def test_long_page_begins_with_failures(browser: Browser, tmp_path: Path, kind: str) -> None:
    write(tmp_path / "report.html", *LONG_PAGES[kind]())
    with viewed(browser, tmp_path / "report.html", **DESKTOP) as shown:
        assert shown.locator("details.log[open]").count() == {"60 hosts": 2, "all failed": 10}.get(kind, 0)
        for width, height in ((390, 844), (1200, 900)):
            shown.set_viewport_size({"width": width, "height": height})
            first = shown.locator("#failed li").first
            if kind == "many names":
                assert first.count() == 0
            else:
                box = first.bounding_box()
                assert box and box["y"] + box["height"] <= height
            assert closed_screens(shown) < 8
            assert shown.evaluate("document.documentElement.scrollWidth") <= width
        if kind == "60 hosts":
            assert_failures_are_found(shown)
            assert_table_sorts_and_groups(shown)
            assert_timeline_is_folded(shown)


def assert_failures_are_found(shown: Page) -> None:
    failed = shown.locator("#failed li")
    assert failed.all_inner_texts() == [
        "monitor node[17,42] failed: exit status 3 after 2 s to 4 s Show all 2\nTraceback: KeyError 'rack'"
    ]
    failed.get_by_role("link").click()
    assert [is_open(shown, f"node{number}/monitor") for number in (17, 42, 1)] == [True, False, False]
    wanted = [["monitor", f"node{number}", "failed: exit status 3"] for number in (17, 42)]
    chip = shown.get_by_role("button", name="2 failed", exact=True)
    for press in (chip, failed.get_by_role("button")):
        press.click()
        assert rows(shown) == wanted
        assert shown.get_by_role("status").inner_text() == "2 of 300"
        assert chip.get_attribute("aria-pressed") == "true"
        assert of(shown, "node17/monitor").is_visible() and of(shown, "node1/monitor").is_hidden()
        chip.click()
    assert len(rows(shown)) == 60, "the group is open"
    shown.get_by_role("button", name="monitor", exact=True).click()
    assert rows(shown) == []


def assert_table_sorts_and_groups(shown: Page) -> None:
    assert groups(shown) == [
        "broker 60 ready",
        "worker 60 ready",
        "client 60 ended",
        "monitor 2 failed 58 running",
        "probe 60 ready",
    ]
    search = shown.get_by_role("searchbox")
    search.fill("NODE4 probe")
    assert rows(shown) == [["probe", f"node{number}", "ready"] for number in (4, *range(40, 50))]
    head = shown.get_by_role("button", name="Host")
    for direction, numbers in (("ascending", (4, *range(40, 50))), ("descending", (*range(49, 39, -1), 4))):
        head.click()
        assert rows(shown) == [["probe", f"node{number}", "ready"] for number in numbers]
        assert shown.locator("th[aria-sort]").get_attribute("aria-sort") == direction
    search.fill("no such component")
    assert (rows(shown), shown.get_by_role("status").inner_text()) == ([], "0 of 300")
    search.fill("")
    shown.get_by_role("combobox").select_option("host")
    assert groups(shown)[:2] == ["node60 3 ready 1 running 1 ended", "node59 3 ready 1 running 1 ended"]
    shown.get_by_role("combobox").select_option("none")
    shown.get_by_role("button", name="Duration").click()
    assert len(rows(shown)) == 300
    assert rows(shown)[0] == ["monitor", "node17", "failed: exit status 3"], "it ran for the shortest time"


def assert_timeline_is_folded(shown: Page) -> None:
    labels = shown.locator("#timeline .annotation-text").all_text_contents()
    assert labels == [
        "broker  60 ready",
        "worker  60 ready",
        "client  60 ended",
        "monitor  2 failed, 58 running",
        "probe  60 ready",
        "stages",
    ]
    shown.mouse.click(*row_in_timeline(shown, 2))
    assert rows(shown)[:2] == [["client", "node1", "ended"], ["client", "node2", "ended"]]
    assert len(rows(shown)) == 60


@pytest.mark.soak
def test_page_of_3000_components_is_usable(browser: Browser, tmp_path: Path) -> None:
    """It keeps the browser busy for at most four times as long as a page of 300."""
    seconds = {}
    for hosts in (60, 600):
        write(tmp_path / "report.html", *many(hosts))
        shown = browser.new_page(**DESKTOP)
        session = shown.context.new_cdp_session(shown)
        session.send("Performance.enable")
        shown.goto((tmp_path / "report.html").as_uri())
        opening = busy_seconds(session)
        shown.get_by_role("searchbox").fill("node17 monitor")
        assert ["monitor", "node17", "failed: exit status 3"] in rows(shown)
        shown.get_by_role("searchbox").fill("")
        shown.get_by_role("button", name="monitor", exact=True).click()
        assert len(rows(shown)) == hosts
        shown.locator("#components td a").last.click()
        assert is_open(shown, f"node{hosts}/monitor")
        shown.mouse.wheel(0, 20_000)
        seconds[hosts] = busy_seconds(session)
        assert opening > 0.1, "the time of opening counts"
        shown.close()
    assert seconds[600] < 4 * seconds[60]


def busy_seconds(session: CDPSession) -> float:
    """Return for how long the main thread of a page has worked."""
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


SWEEP = """
params = util.params(n=1)
job = Component(name="job", host="node1", executable="/bin/echo", args=["rate", params.n * 10], start_index=1, wait=True)
job.measures = {"rate": util.measure(log="rate ([0-9]+)")}
config.add_component(job)
"""


def test_page_of_a_sweep_works_without_network(lab: Lab, browser: Browser) -> None:
    lab.config(SWEEP)
    lab.run("sweep", "--over", "n=1,2", "--repeats", "2")
    done = lab.fab("report", "--from", "sweeps/cfg")
    assert (done.returncode, done.stdout[:18]) == (0, "wrote report.html "), done.stderr
    seen: list[str] = []  # the address of each request, and each error
    for width in (1200, 390):
        page = browser.new_page(viewport={"width": width, "height": 844})
        page.on("request", lambda request: seen.append(request.url))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.goto((lab.folder / "report.html").as_uri())
        page.wait_for_selector("#plot-0 .scatterlayer .point")
        assert page.locator("#plot-0 .scatterlayer .point").count() == 4 + 2, "runs and medians"
        assert page.locator("#cells tbody tr").count() == 2
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        cell = page.locator("#cells tbody td:nth-child(4)").first.bounding_box()
        assert cell and cell["x"] + cell["width"] <= width, "the first measure is in view"
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.locator("#plot-1 .main-svg").first.evaluate("svg => svg.clientWidth") < 690
        page.close()
        assert len(seen) == 1
        seen.clear()
