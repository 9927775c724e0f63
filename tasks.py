"""What a person who works on the project runs. `./dev TASK` sets everything up first."""

import os
import shlex
import sys
import tempfile
from pathlib import Path

from invoke.context import Context
from invoke.exceptions import Exit
from invoke.tasks import task
from patchwork.environment import have_program

ROOT = Path(__file__).resolve().parent
HOSTS = ROOT / ".hosts"  # a link to their folder, whose own path is short: screen's sockets are in it
NEEDED = ("screen", "openssl", "ssh", "ssh-keygen", "/usr/sbin/sshd", "tar", "rsync")
STRICT_BUILD = f"{sys.executable} -m mkdocs build --strict"  # with --quiet it would ignore warnings
MKDOCS = {"NO_MKDOCS_2_WARNING": "1"}  # Material prints an advertisement for its successor otherwise
sys.path.insert(0, str(ROOT))  # `inv` is a program of its own; the throwaway hosts are part of the tests


@task
def demo(c: Context) -> None:
    """Run the example on three throwaway hosts and on this machine, show what runs where, and clean up."""
    from tests.support.farm import Farm

    require_programs(c)
    farm = Farm(Path(tempfile.mkdtemp(prefix="rr-demo.")))
    try:
        names = ["node1", "node2", "node3"]
        for name in names:
            farm.add(name)
        here = farm.stand_in()
        command = (
            f"fab -S {farm.ssh_config} run --config example/config.py --muddler example/arg_muddler.py"
            f" --arg-parser example/extra_args_parser.py --extra-args '--hosts {','.join(names)},localhost'"
        )
        say(f"$ {command}")
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        c.run(command, env=here.environment | {"PATH": path})
        for host in [*farm.hosts.values(), here]:
            say(f"\n{host.name}: screen -ls; and the end of what each window shows")
            print(host.run("sleep 1; screen -ls; cd .local/state/remote-runner/*/runner && tail -n 3 */output"))
        say("the same again: nothing has changed, so nothing is sent")
        c.run(command, env=here.environment | {"PATH": path})
    finally:
        farm.close()
        say("\nall processes of the demo have been ended, and its folder is removed")


@task(help={"count": "How many hosts to start. Default: 3.", "stop": "End the hosts that are up, and all on them."})
def hosts(c: Context, count: int = 3, stop: bool = False) -> None:
    """Start throwaway hosts that stay up until `./dev hosts --stop`, and print the ssh config to use them with."""
    from tests.support.farm import Farm

    if stop:
        were_up = HOSTS.exists()
        if were_up:
            Farm.at(HOSTS.resolve()).close()
        HOSTS.unlink(missing_ok=True)
        say("the throwaway hosts have been ended" if were_up else "no throwaway host is up")
        return
    if count < 1:
        raise Exit(f"--count {count}: must be 1 at least", 2)
    require_programs(c)
    if HOSTS.exists():
        raise Exit("hosts are up already; end them first with: ./dev hosts --stop", 1)
    farm = Farm(Path(tempfile.mkdtemp(prefix="rr-hosts.")))
    HOSTS.unlink(missing_ok=True)
    HOSTS.symlink_to(farm.folder)
    for number in range(1, count + 1):
        farm.add(f"node{number}")
    print(farm.ssh_config.read_text(), end="")
    say(f"use them with: fab -S {farm.ssh_config} run --config FILE      or: ssh -F {farm.ssh_config} node1")


@task(help={"args": "What else to tell pytest, for example '-k sync -x'."})
def test(c: Context, args: str = "") -> None:
    """Run all tests, four at a time: most of them wait for hosts. By root, since they make users of their own."""
    require_programs(c)
    by_root = "" if os.getuid() == 0 else "sudo env PYTHONDONTWRITEBYTECODE=1 PATH=$PATH "
    # All tests of a file by one process: what they share, a browser say, is started once.
    command = f"{sys.executable} -m pytest -p no:cacheprovider -n 4 --dist loadfile {args}"
    c.run(by_root + command, pty=sys.stdout.isatty())


@task
def lint(c: Context) -> None:
    """Check style and types, and look for what is known to be unsafe, here and in what is installed."""
    c.run("ruff check . && ruff format --check . && mypy && bandit -q -ll -r fabfile rr_config muddlers")
    build_docs(c)
    # It says so of each library of which the package index here knows no weaknesses, nor that there are none.
    c.run("pip-audit --skip-editable --progress-spinner off")


@task(help={"build": "Build the site strictly in a temporary folder, and end."})
def docs(c: Context, build: bool = False) -> None:
    """Serve the documentation on http://localhost:8000, and build it again when a file changes."""
    if build:
        build_docs(c)
    else:
        c.run(f"{sys.executable} -m mkdocs serve", pty=sys.stdout.isatty(), env=MKDOCS)


def build_docs(c: Context) -> None:
    """Build the documentation. Warnings are errors, broken links and anchors among them."""
    with tempfile.TemporaryDirectory(prefix="rr-docs.") as folder:
        c.run(f"{STRICT_BUILD} --site-dir {folder}", env=MKDOCS)


@task
def pictures(c: Context) -> None:
    """Make docs/run.svg and docs/status.svg again, from real commands on two throwaway hosts."""
    require_programs(c)
    c.run(f"{sys.executable} -m docs.pictures")


@task(help={"seconds": "For how long. Default: 60."})
def fuzz(c: Context, seconds: int = 60) -> None:
    """Fuzz all that reads what a host answers."""
    c.run(f"{sys.executable} -m fuzz.answers -max_total_time={seconds}", pty=sys.stdout.isatty())


@task(
    help={
        "only": "One row, by name; with -relay at its end, through the relay.",
        "runs": "How often each contender runs. Default: 5.",
        "slow-peers": "Measure Ansible and pyinfra, too, which takes minutes a run.",
        "json": "Where to write the results. Default: bench.json.",
    }
)
def bench(c: Context, only: str = "", runs: int = 5, slow_peers: bool = False, json: str = "bench.json") -> None:
    """Measure Remote Runner side by side with what a user would run instead; fails where a bound is missed."""
    require_programs(c)
    words = ["--runs", str(runs), "--json", json, *(["--only", only] if only else []), *["--slow-peers"] * slow_peers]
    c.run(shlex.join([sys.executable, "-m", "bench.measure", *words]), pty=sys.stdout.isatty())


@task(help={"runs": "Default: 1000.", "hosts": "Default: 200.", "components": "Default: 1000."})
def soak(c: Context, runs: int = 1000, hosts: int = 200, components: int = 1000) -> None:
    """So many runs on one host, then one of components on many hosts; fails where something grows or is lost."""
    require_programs(c)
    words = ["--runs", str(runs), "--hosts", str(hosts), "--components", str(components)]
    c.run(shlex.join([sys.executable, "-m", "bench.soak", *words]), pty=sys.stdout.isatty())


def require_programs(c: Context) -> None:
    """End with the names of the programs that are missing, if any is."""
    missing = [name for name in NEEDED if not have_program(c, name)]
    if missing:
        raise Exit(f"not installed: {', '.join(missing)}; ./dev installs them", 1)


def say(text: str) -> None:
    """A line that stands out from what programs print."""
    bold, plain = ("\033[1m", "\033[0m") if sys.stdout.isatty() and "NO_COLOR" not in os.environ else ("", "")
    print(f"{bold}{text}{plain}", flush=True)
