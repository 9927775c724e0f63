"""Runs `fab` in processes that have all modules loaded already. Loading takes most of the time of a short command.

`Prefork` starts this file as a program. The program loads Fabric and the modules of this project, and forks for each
command. Such a process then does the same as `fab`: it runs Fabric's program, with a command line, an environment, a
folder and standard streams of its own. The program loads the package `fabfile` itself, with its patches, each time.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import py_compile
import resource
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).resolve().parents[2] / "fabfile"
WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
REPORTING = {"collect", "report", "--collect"}  # words of commands that write a report


class Prefork:
    """A program that forks for one command after the other. Output of the commands is stored in `folder`."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._streams = folder / "fab.out", folder / "fab.err"
        # -P keeps the modules beside this file off the path of the commands.
        command, pipe = [sys.executable, "-P", __file__], subprocess.PIPE
        self._program = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment, bufsize=0)

    def run(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        seconds: float,
        memory: int = resource.RLIM_INFINITY,
    ) -> subprocess.CompletedProcess[str]:
        """Run `command`, whose first word is the path of `fab` or `remote-runner`, with at most `memory` bytes of data.

        Raises TimeoutError after `seconds`.
        """
        assert self._program.stdin and self._program.stdout
        order = [str(folder), *map(str, self._streams), dict(environment), list(command), memory]
        self._program.stdin.write(json.dumps(order).encode() + b"\n")
        pid = int(self._program.stdout.readline())
        is_in_time = bool(select.select([self._program.stdout], [], [], seconds)[0])
        if not is_in_time:
            with contextlib.suppress(ProcessLookupError):  # it may have just ended
                os.kill(pid, signal.SIGKILL)
        status = int(self._program.stdout.readline())
        if not is_in_time:
            raise TimeoutError(f"{command}: timed out after {seconds} s")
        out, err = (stream.read_text(errors="surrogateescape") for stream in self._streams)
        return subprocess.CompletedProcess(list(command), status, out, err)

    def close(self) -> None:
        """Stop the program."""
        self._program.communicate()


def main() -> None:
    """Read commands from stdin. Answer each with its process id, and later with its exit status."""
    exit_codes: list[int] = []
    atexit.register(skip_teardown, exit_codes)  # registered before all others, so it runs last

    # Loaded before the fork.
    import attrs  # noqa: F401
    import fabric.main  # noqa: F401

    load_modules()
    gc.freeze()  # no garbage collection of a forked process looks at what all share
    for line in sys.stdin:
        folder, out, err, environment, command, memory = json.loads(line)
        if not REPORTING.isdisjoint(command):
            load_libraries_of_reports()
        pid = os.fork()
        if pid == 0:
            os.setsid()  # without a terminal, a prompt for a password reads stdin
            become(folder, out, err, environment, command)
            resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
            try:
                run(Path(command[0]).name)
                sys.exit(0)
            except SystemExit as end:
                exit_codes.append(end.code if isinstance(end.code, int) else int(end.code is not None))
                raise
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def run(program: str) -> None:
    """Run `fab` or `remote-runner`."""
    if program == "remote-runner":
        sys.path.insert(0, str(PACKAGE.parent))  # the program finds the package where it is installed
        importlib.import_module("fabfile.__main__").main()
    else:
        sys.modules["fabric.main"].program.run()


def skip_teardown(exit_codes: list[int]) -> None:
    """End a forked process at once if it has an exit code. Python's teardown would copy all memory that it shares."""
    if exit_codes:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(exit_codes[0])


def load_modules() -> None:
    """Load the modules of `fabfile`. A stand-in for the package itself keeps its `__init__` from running.

    Compile that file, because Invoke keeps Python from doing so when it loads the package.
    """
    py_compile.compile(str(PACKAGE / "__init__.py"), doraise=True)
    stand_in = ModuleType(PACKAGE.name)
    stand_in.__path__ = [str(PACKAGE)]
    sys.modules[PACKAGE.name] = stand_in
    for path in sorted([*PACKAGE.glob("*/*.py"), *PACKAGE.glob("ssh/*/*.py")]):
        importlib.import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
    del sys.modules[PACKAGE.name]


def load_libraries_of_reports() -> None:
    """Load them before the first report. Few commands write one, and each of these takes 0.4 s to load them."""
    for library in ("jinja2", "plotly.graph_objects", "plotly.io"):
        importlib.import_module(library)


def become(folder: str, out: str, err: str, environment: dict[str, str], command: list[str]) -> None:
    """Make this process look as if it had been started with this folder, these streams and this environment."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for number, (path, flags) in enumerate([(os.devnull, os.O_RDONLY), (out, WRITE), (err, WRITE)]):
        os.dup2(os.open(path, flags, 0o600), number)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", 1, errors="backslashreplace", closefd=False)
    sys.argv = command
    # Of two controllers, the younger one gives up. All commands would be as old as the program that forks.
    vars(sys.modules["fabfile.remote.ask"])["BORN_NS"] = time.time_ns()
    sys.pycache_prefix = environment["PYTHONPYCACHEPREFIX"]


if __name__ == "__main__":
    main()
