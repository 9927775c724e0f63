"""The `remote-runner` command: `fab` with the commands of this project, in whatever folder it is called."""

import sys
from pathlib import Path

from fabric import Config, Executor
from fabric.main import Fab
from invoke.collection import Collection
from invoke.exceptions import Exit


class Program(Fab):  # type: ignore[misc]  # Fabric has no types
    """Fabric's program with a fixed set of commands; `fabric.yaml` is looked for in the current folder."""

    def parse_core_args(self) -> None:
        """For bash and zsh, scripts that complete more than Invoke's."""
        super().parse_core_args()
        shell = self.args["print-completion-script"].value
        if shell in ("bash", "zsh"):
            sys.stdout.write(Path(__file__).with_name(f"completion.{shell}").read_text())
            raise Exit

    def parse_collection(self) -> None:
        """Take the commands as they are, and the settings beside the user."""
        super().parse_collection()
        self.config.set_project_location(str(Path.cwd()))
        self.config.load_project()


def main() -> None:
    """Run the command line; does not return."""
    import fabfile

    commands = Collection.from_module(fabfile)
    Program(
        name="remote-runner",
        version="0.1.0",
        namespace=commands,
        executor_class=Executor,
        config_class=Config,
    ).run()


if __name__ == "__main__":
    main()
