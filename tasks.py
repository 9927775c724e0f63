"""Define the tasks of a developer. `./dev TASK` sets everything up first."""

import os
import shlex
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task
from patchwork.environment import have_program

if TYPE_CHECKING:
    from tests.support.farm import Farm

ROOT = Path(__file__).resolve().parent
HOSTS = ROOT / ".hosts"  # a link to their folder, which needs a short path for screen's sockets
MOST_HOSTS = 244  # addresses from 127.0.0.11 to 127.0.0.254
NEEDED = ("screen", "openssl", "ssh", "ssh-keygen", "/usr/sbin/sshd", "tar")
STRICT_BUILD = f"{sys.executable} -m mkdocs build --strict"  # with --quiet it would ignore warnings
SHOWN = """
You saw one config run on three SSH hosts and on this machine: sessions, files, programs in order, and a wait for the
workers. The second run sent nothing, because nothing had changed.

Next:
  . .venv/bin/activate                        fab is then on the PATH
  fab init hello.py                           write a config to start from, then: fab run -c hello.py
  ./dev hosts --count 3                       throwaway hosts that stay, for your own tries
  README.md, docs/how-to/examples.md          a first config, and longer examples
  example/config.py                           the config of this demo"""
MKDOCS = {"NO_MKDOCS_2_WARNING": "1"}  # Material prints an advertisement for its successor otherwise
sys.path.insert(0, str(ROOT))  # `inv` does not add the project, whose tests contain the hosts


@task
def demo(c: Context) -> None:
    """Run the example on three throwaway hosts and localhost, show the result, and clean up."""
    from tests.support.farm import Farm

    require_programs(c)
    farm = Farm(Path(tempfile.mkdtemp(prefix="rr-demo.")))
    try:
        names = ["node1", "node2", "node3"]
        for name in names:
            farm.add(name)
        here = farm.stand_in()
        options = (
            f"--config example/config.py --muddler example/arg_muddler.py --arg-parser example/extra_args_parser.py"
            f" --extra-args '--hosts {','.join(names)},localhost'"
        )
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"

        def fab(command: str) -> None:
            line = f"fab -S {farm.ssh_config} {command} {options}"
            say(f"\n$ {line}")
            c.run(line, env=here.environment | {"PATH": path})

        say(f"started the throwaway SSH hosts {', '.join(names)}; localhost takes part, too")
        for command in ("run", "status", "logs -n 2"):
            fab(command)
        say("\nRun again: no file has changed, so none is sent")
        fab("run")
    finally:
        farm.close()
        say("\nstopped all processes of the demo and removed its folder")
    say(SHOWN)


@task(
    help={
        "count": "Number of hosts (default: 3).",
        "isolated": "Give each host its own processes and name. Needs root. The hosts end with this command.",
        "stop": "Stop the running hosts and all processes on them.",
    }
)
def hosts(c: Context, count: int = 3, isolated: bool = False, stop: bool = False) -> None:
    """Start throwaway hosts and print an ssh config for them. Stop them with `./dev hosts --stop`."""
    from tests.support.farm import Farm

    if stop:
        say("stopped the throwaway hosts" if stop_hosts() else "no throwaway hosts are running")
        return
    if not 1 <= count <= MOST_HOSTS:
        raise Exit(f"--count {count}: must be from 1 to {MOST_HOSTS}", 2)
    require_programs(c)
    if isolated:
        require_namespaces()
    if HOSTS.exists():
        raise Exit("hosts are already running; stop them first: ./dev hosts --stop", 1)
    farm = Farm(Path(tempfile.mkdtemp(prefix="rr-hosts.")))
    HOSTS.unlink(missing_ok=True)
    HOSTS.symlink_to(farm.folder)
    if isolated:
        keep_hosts(farm, count)
    else:
        start_hosts(farm, count, is_isolated=False)


def start_hosts(farm: "Farm", count: int, is_isolated: bool) -> None:
    """Start hosts, and say how to use them."""
    farm.add_all((f"node{number}" for number in range(1, count + 1)), is_isolated=is_isolated)
    print(farm.ssh_config.read_text(), end="")
    say(f"usage: fab -S {farm.ssh_config} run --config FILE      or: ssh -F {farm.ssh_config} node1")


def keep_hosts(farm: "Farm", count: int) -> None:
    """Start isolated hosts. Remove them after Ctrl-C, SIGTERM or SIGHUP, or when all have ended."""
    ending = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # the user wants them to outlive the terminal
        ending.append(signal.SIGHUP)
    for number in ending:
        signal.signal(number, signal.default_int_handler)
    try:
        (farm.folder / "keeper.pid").write_text(str(os.getpid()))
        start_hosts(farm, count, is_isolated=True)
        say("the hosts end with Ctrl-C, or with ./dev hosts --stop in another terminal")
        farm.wait()
    except KeyboardInterrupt:
        pass
    finally:
        for number in ending:
            signal.signal(number, signal.SIG_IGN)
        farm.close()
        HOSTS.unlink(missing_ok=True)
    say("stopped the throwaway hosts")


def stop_hosts() -> bool:
    """Stop the hosts. Return whether there were any."""
    from tests.support.farm import Farm

    were_up = HOSTS.exists()
    if were_up and not ask_keeper_to_end(HOSTS / "keeper.pid"):
        Farm.at(HOSTS.resolve()).close()
    HOSTS.unlink(missing_ok=True)
    return were_up


def ask_keeper_to_end(pid_file: Path) -> bool:
    """Send SIGTERM to the process that keeps isolated hosts, and wait until it has removed them. False without one."""
    keeper = Path("/proc", pid_file.read_text()) if pid_file.exists() else None
    if keeper is None or not keeper.exists() or b"--isolated" not in (keeper / "cmdline").read_bytes():
        return False  # none was started, or it was killed
    os.kill(int(keeper.name), signal.SIGTERM)
    while HOSTS.is_symlink() and keeper.exists():
        time.sleep(0.05)
    return not HOSTS.is_symlink()


@task(help={"args": "More arguments for pytest, for example '-k sync -x'."})
def test(c: Context, args: str = "") -> None:
    """Run all tests but those for `soak`, six at a time. Most of them wait for hosts."""
    require_programs(c)
    run_tests(c, args)


@task
def package(c: Context) -> None:
    """Build the package, check it, and install it with pip, pipx and uv."""
    run_tests(c, "-m package tests/hosts/test_package.py")


@task
def lint(c: Context) -> None:
    """Check style and types, and look for unsafe code and vulnerable dependencies."""
    c.run("ruff check . && ruff format --check . && mypy && bandit -q -ll -r fabfile rr_config muddlers")
    build_docs(c)
    # pip-audit warns about each library for which this package index has no vulnerability data.
    c.run("pip-audit --skip-editable --progress-spinner off")


@task(help={"build": "Build the site strictly in a temporary folder, and end."})
def docs(c: Context, build: bool = False) -> None:
    """Serve the documentation on http://localhost:8000, and build it again when a file changes."""
    if build:
        build_docs(c)
    else:
        c.run(f"{sys.executable} -m mkdocs serve", pty=sys.stdout.isatty(), env=MKDOCS)


@task
def man(c: Context) -> None:
    """Write the man pages in docs/man/ again, after a change of commands or options."""
    import fabfile
    from fabfile.cli.reference.man import man_pages
    from fabfile.cli.reference.tables import commands_in

    folder = Path("docs/man")
    for page in folder.glob("*.1"):
        page.unlink()
    for name, text in man_pages(commands_in(vars(fabfile))).items():
        (folder / name).write_text(text)


def build_docs(c: Context) -> None:
    """Build the documentation. Warnings are errors, broken links and anchors among them."""
    with tempfile.TemporaryDirectory(prefix="rr-docs.") as folder:
        c.run(f"{STRICT_BUILD} --site-dir {folder}", env=MKDOCS)


@task
def pictures(c: Context) -> None:
    """Make the pictures in docs/ again, and run.txt: from real commands on 2 and on 60 throwaway hosts. Needs root."""
    require_programs(c)
    c.run(f"{sys.executable} -m docs.pictures")


@task(help={"seconds": "Duration in seconds (default: 60)."})
def fuzz(c: Context, seconds: int = 60) -> None:
    """Fuzz the parsers of hosts' answers."""
    c.run(f"{sys.executable} -m fuzz.answers -max_total_time={seconds}", pty=sys.stdout.isatty())


@task(
    help={
        "only": "Measure one row; NAME-far measures it with latency.",
        "runs": "Number of runs of each contender (default: 5).",
        "slow-peers": "Also measure Ansible and pyinfra, which takes minutes per run.",
        "json": "Results file (default: bench.json).",
    }
)
def bench(c: Context, only: str = "", runs: int = 5, slow_peers: bool = False, json: str = "bench.json") -> None:
    """Compare the speed of Remote Runner with other tools. Fails if a row exceeds its limit."""
    require_programs(c)
    words = ["--runs", str(runs), "--json", json, *(["--only", only] if only else []), *["--slow-peers"] * slow_peers]
    c.run(shlex.join([sys.executable, "-m", "bench.measure", *words]), pty=sys.stdout.isatty())


@task(
    help={
        "runs": "Runs on one host (default: 1000).",
        "hosts": "Hosts of the large run (default: 200).",
        "components": "Components of the large run (default: 1000).",
    }
)
def soak(c: Context, runs: int = 1000, hosts: int = 200, components: int = 1000) -> None:
    """Run the tests that take long, the tests on hosts over OpenSSH, then many runs on one host and one on many hosts.

    Fails where something grows or is lost.
    """
    require_programs(c)
    run_tests(c, "-m soak --timeout 3000")
    run_tests(c, "--transport openssh --timeout 300 tests/hosts")
    words = ["--runs", str(runs), "--hosts", str(hosts), "--components", str(components)]
    c.run(shlex.join([sys.executable, "-m", "bench.soak", *words]), pty=sys.stdout.isatty())


def run_tests(c: Context, args: str) -> None:
    """Run pytest, by root if possible, since some tests create users. An idle worker takes tests from another one."""
    by_root = ""
    if os.getuid() != 0 and have_program(c, "sudo"):
        by_root = "sudo env PYTHONDONTWRITEBYTECODE=1 PATH=$PATH "
    command = f"{sys.executable} -m pytest -p no:cacheprovider -n 6 --dist worksteal {args}"
    c.run(by_root + command, pty=sys.stdout.isatty())


def require_programs(c: Context) -> None:
    """Exit with the names of the missing programs, if there are any."""
    missing = [name for name in NEEDED if not have_program(c, name)]
    if missing:
        raise Exit(f"not installed: {', '.join(missing)}; ./dev installs them", 1)


def require_namespaces() -> None:
    """Exit with a reason if no isolated host can be started here."""
    from tests.support.isolation import why_impossible

    problem = why_impossible()
    if problem:
        hint = "run `./dev hosts` without it, or in a container with `--privileged`"
        if os.getuid() != 0:
            hint = "run it as root: sudo ./dev hosts --isolated"
        raise Exit(f"--isolated: cannot create namespaces: {problem}; {hint}", 1)


def say(text: str) -> None:
    """Print a line that stands out from the output of programs."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")
    print(f"{bold}{text}{plain}", flush=True)
