"""The program `remote-runner`: `fab` with the tasks of this project, usable in any folder."""

import signal
import sys
from pathlib import Path

from fabric import Config, Executor
from fabric.main import Fab
from invoke.collection import Collection
from invoke.exceptions import Exit
from invoke.parser.argument import Argument

from .cli.exit_codes import INTERRUPTED, UNTOUCHED


class Program(Fab):  # type: ignore[misc]  # Fabric has no types
    """Fabric's program with a fixed set of commands. It reads `fabric.yaml` in the current folder."""

    def core_args(self) -> list[Argument]:
        """Return Fabric's options, without names of our options: those may stand in front of a command, too."""
        arguments: list[Argument] = super().core_args()
        for argument in arguments:
            if argument.name == "config":
                argument.names, argument.attr_name = ("f",), "config"
            elif argument.name == "pty":
                argument.names = ("pty",)
        return arguments

    def parse_core_args(self) -> None:
        """Parse Fabric's options. For bash and zsh, print completion scripts that can do more than Invoke's."""
        super().parse_core_args()
        shell = self.args["print-completion-script"].value
        if shell in ("bash", "zsh"):
            sys.stdout.write(Path(__file__).with_name(f"completion.{shell}").read_text())
            raise Exit

    def parse_collection(self) -> None:
        """Accept the fixed commands, and load the project settings of the current folder."""
        super().parse_collection()
        self.config.set_project_location(str(Path.cwd()))
        self.config.load_project()


def main() -> None:
    """Run the command line, and exit."""
    import fabfile

    signal.signal(signal.SIGINT, signal.default_int_handler)
    commands = Collection.from_module(fabfile)
    program = Program("0.1.0", commands, "remote-runner", executor_class=Executor, config_class=Config)
    try:
        program.run()
    except SystemExit as error:
        # Commands handle Ctrl-C themselves. Before that, Invoke turns it into exit code 1.
        if isinstance(error.__context__, KeyboardInterrupt):
            sys.stderr.write(f"{UNTOUCHED}\n")
            sys.exit(INTERRUPTED)
        raise


if __name__ == "__main__":
    main()
