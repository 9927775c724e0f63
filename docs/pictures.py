"""Make the pictures of a run and of `fab status`, from real commands on throwaway hosts. `./dev pictures` runs this.

`run.txt` is the same run as text, for the description of the package.
"""

import os
import re
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tests.support.checkout import FAB, ROOT
from tests.support.farm import Farm
from tests.support.terminal import Terminal

HERE = Path(__file__).resolve().parent
SECONDS = 120
HINT = re.compile(r"^(\w.*) with: fab .*", re.MULTILINE)
FONT_FACE = re.compile(r"@font-face {.*?}", re.DOTALL)
PUBSUB = """\
ssh_config_path: {ssh_config}
remote_runner:
  config: {root}/example/pubsub/config.py
  arg_parser: {root}/example/pubsub/args.py
  extra_args: "--hosts node1,node2"
"""


def main() -> None:
    """Start hosts, run the commands there, and write run.svg, run.txt and status.svg."""
    farm = Farm(Path(tempfile.mkdtemp(prefix="rr-pictures.")))
    try:
        for name in ("node1", "node2"):
            farm.add(name)
        here = farm.stand_in()
        (here.home / ".fabric.yaml").write_text(PUBSUB.format(ssh_config=farm.ssh_config, root=ROOT))
        environment = os.environ | here.environment
        shown = picture("run", environment, here.home)
        (HERE / "run.txt").write_text("".join(f"{line.rstrip()}\n" for line in shown.splitlines()))
        picture("status", environment, here.home)
    finally:
        farm.close()


def picture(command: str, environment: dict[str, str], folder: Path) -> str:
    """Run `fab COMMAND` in a terminal, and write what it shows to COMMAND.svg. Return it as text."""
    shown = output_of([str(FAB), "-r", str(ROOT), command], environment, folder)
    shown = HINT.sub(r"\1 with: fab ...", shown)  # whole command lines with paths of this machine
    text = Text.assemble(("$ ", "green"), (f"fab {command}\n", "bold"), Text.from_ansi(shown))
    with Path(os.devnull).open("w") as nowhere:
        columns = max(len(line) for line in text.plain.splitlines())
        console = Console(record=True, width=columns, file=nowhere, force_terminal=True)
        console.print(text)
        svg = console.export_svg(title="Remote Runner")
    # rich loads a font from the web; the documentation loads nothing from another server.
    svg = FONT_FACE.sub("", svg).replace("Fira Code", "ui-monospace")
    (HERE / f"{command}.svg").write_text(svg)
    return text.plain


def output_of(command: list[str], environment: dict[str, str], folder: Path) -> str:
    """Return the stdout of a command on a terminal. Progress bars are on stderr, and a picture cannot move."""
    terminal = Terminal(["sh", "-c", 'exec "$@" 2>stderr', "sh", *command], env=environment, cwd=folder)
    try:
        terminal.process.wait(SECONDS)
        if terminal.ends() != 0:
            raise RuntimeError(f"{command}: {(folder / 'stderr').read_text()}")
        return terminal.shown.decode().replace("\r\n", "\n").rstrip()
    finally:
        terminal.close()


if __name__ == "__main__":
    main()
