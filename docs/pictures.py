"""Make the pictures in the documentation, from real commands on throwaway hosts. `./dev pictures` runs this.

The hosts are two, four, or 60 isolated ones. `run.txt` is the run on two hosts as text, for the package description.
"""

import contextlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pyte
from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.text import Text

from tests.support.checkout import FAB, ROOT
from tests.support.farm import Farm
from tests.support.terminal import Terminal

HERE = Path(__file__).resolve().parent
SECONDS = 300
WATCHED = 15  # seconds, in which every host has answered
ROWS, COLUMNS = 30, 100
LONGEST = 1000  # a line of hints; wrapped ones could not be shortened
HINT = re.compile(r"^(\w.*) with: fab .*", re.MULTILINE)
FONT_FACE = re.compile(r"@font-face {.*?}", re.DOTALL)
PUBSUB = """\
ssh_config_path: {ssh_config}
remote_runner:
  config: {root}/example/pubsub/config.py
  arg_parser: {root}/example/pubsub/args.py
  extra_args: "--hosts node1,node2"
"""
SWEEP = """\
ssh_config_path: {ssh_config}
remote_runner:
  config: {root}/example/sweep/config.py
  set:
    hosts: node1,node2,node3,node4
    address: {address}
"""
MANY = """\
ssh_config_path: {ssh_config}
remote_runner:
  config: {home}/cfg.py
"""
MANY_CONFIG = """\
# Five components on each of 60 hosts. Two of them fail after two seconds.
def add(name, host, script, index, **more):
    config.add_component(Component(
        name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=index, **more))

for host in util.hosts("node[1-60]"):
    is_bad = host in ("node17", "node42")
    crash = "sleep 2; echo KeyError: rack; exit 3"
    add("broker", host, "sleep 1; echo up; exec sleep 1000", 1, ready=util.log("up"))
    add("worker", host, "sleep 2; echo up; exec sleep 1000", 1, ready=util.log("up"))
    add("monitor", host, crash if is_bad else "exec sleep 1000", 1)
    add("client", host, "sleep 3; seq 20", 2, wait=True)
    add("probe", host, "exec sleep 1000", 2)
"""


def main() -> None:
    """Start hosts, run the commands there, and write the pictures and run.txt."""
    with farm_of([f"node{number}" for number in range(1, 3)]) as farm:
        shown = Pictures(farm, PUBSUB.format(ssh_config=farm.ssh_config, root=ROOT))
        (HERE / "run.txt").write_text("".join(f"{line.rstrip()}\n" for line in shown.take("run").splitlines()))
        shown.take("status")
    with farm_of([f"node{number}" for number in range(1, 5)]) as farm:
        address = farm.hosts["node1"].address
        shown = Pictures(farm, SWEEP.format(ssh_config=farm.ssh_config, root=ROOT, address=address))
        shown.runs("sweep --over size=16,1024,16384 --repeats 6")
        shown.runs("report --from sweeps/config")
        shown.take_page("report.html", ROOT / "example/sweep/report.png", height=1000)
    with farm_of([f"node{number}" for number in range(1, 61)], is_isolated=True) as farm:
        shown = Pictures(farm, MANY.format(ssh_config=farm.ssh_config, home=farm.stand_in().home))
        (shown.home / "cfg.py").write_text(MANY_CONFIG)
        for command in ("run", "status", "status --watch"):
            shown.take(command, of="60")
        shown.runs("report")
        shown.take_page("report.html", HERE / "report.png", height=1150)


@contextlib.contextmanager
def farm_of(names: list[str], is_isolated: bool = False) -> Iterator[Farm]:
    """Start hosts for as long as the context lasts."""
    farm = Farm(Path(tempfile.mkdtemp(prefix="rr-pictures.")))
    try:
        farm.add_all(names, is_isolated=is_isolated)
        yield farm
    finally:
        farm.close()


class Pictures:
    """Pictures of what commands show on the hosts of a farm, with `settings` as the user's settings file."""

    def __init__(self, farm: Farm, settings: str) -> None:
        here = farm.stand_in()
        self.home = here.home
        size = {"TERM": "xterm-256color", "ROWS": str(ROWS), "COLUMNS": str(COLUMNS)}
        self._environment = os.environ | here.environment | size
        (self.home / ".fabric.yaml").write_text(settings)

    def take(self, command: str, of: str = "") -> str:
        """Run `fab COMMAND` in a terminal, and write what it shows to COMMAND-OF.svg. Return it as text.

        A command that repeats, such as `status --watch`, is ended by Ctrl-C after a few looks.
        """
        screen = pyte.HistoryScreen(LONGEST, ROWS, history=1000)
        terminal = Terminal([str(FAB), "-r", str(ROOT), *command.split()], env=self._environment, cwd=self.home)
        try:
            if "--watch" in command:
                time.sleep(WATCHED)
                pyte.ByteStream(screen).feed(terminal.shown)
                terminal.types(b"\x03")
            terminal.process.wait(SECONDS)
            terminal.ends()
            if "--watch" not in command:
                pyte.ByteStream(screen).feed(terminal.shown)
        finally:
            terminal.close()
        text = Text.assemble(("$ ", "green"), (f"fab {command}\n", "bold"), shown_text(screen))
        name = "-".join([command.replace(" --", "-"), *([of] if of else [])])
        return written(text, HERE / f"{name}.svg")

    def runs(self, command: str) -> None:
        """Run `fab COMMAND` in a terminal, to its end."""
        terminal = Terminal([str(FAB), "-r", str(ROOT), *command.split()], env=self._environment, cwd=self.home)
        terminal.process.wait(SECONDS)
        terminal.close()

    def take_page(self, name: str, picture: Path, height: int) -> None:
        """Write the top of a page in the home folder, as it is in a browser, to `picture`."""
        with sync_playwright() as playwright:
            arguments = ["--headless", "--no-sandbox", "--disable-gpu"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=arguments)
            page = browser.new_page(viewport={"width": 1200, "height": height})
            page.goto((self.home / name).as_uri())
            page.screenshot(path=picture)
            browser.close()


def shown_text(screen: pyte.HistoryScreen) -> Text:
    """Return the lines of a terminal, with those that have scrolled out of its top."""
    lines = []
    for cells in [*screen.history.top, *(screen.buffer[row] for row in range(ROWS))]:
        line = Text()
        for column in range(LONGEST):
            cell = cells[column]
            color = "" if cell.fg == "default" else cell.fg.replace("brown", "yellow")
            line.append(cell.data, " ".join(filter(None, [color, "bold" if cell.bold else ""])))
        line.rstrip()
        lines.append(line)
    while lines and not lines[-1]:
        del lines[-1]
    return Text("\n").join(lines)


def written(text: Text, path: Path) -> str:
    """Write a text as a picture; return it. Whole command lines in hints, with paths of this machine, are shortened."""
    plain = text.plain
    for hint in reversed(list(HINT.finditer(plain))):
        text = Text.assemble(text[: hint.start()], f"{hint[1]} with: fab ...", text[hint.end() :])
    with Path(os.devnull).open("w") as nowhere:
        columns = max(len(line) for line in text.plain.splitlines())
        console = Console(record=True, width=columns, file=nowhere, force_terminal=True)
        console.print(text)
        svg = console.export_svg(title="Remote Runner")
    # rich loads a font from the web; the documentation loads nothing from another server.
    svg = FONT_FACE.sub("", svg).replace("Fira Code", "ui-monospace")
    path.write_text(svg)
    return text.plain


if __name__ == "__main__":
    main()
