"""Provide fixtures: three throwaway hosts and a stand-in for this machine, clean for each test."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_timeout  # type: ignore[import-untyped]

from tests.support.bench import ECHO, Bench
from tests.support.configs import write
from tests.support.farm import Farm, end_processes, make_folders, processes_of, remove_tree
from tests.support.lab import Lab, compiled_modules
from tests.support.ports import free_ports
from tests.support.prefork import Prefork
from tests.support.privileges import IS_ROOT
from tests.support.soak import often
from tests.support.waiting import eventually

NEEDED = (
    "screen",
    "openssl",
    "ssh",
    "ssh-keygen",
    "tar",
    "rsync",
    "dash",
    "zsh",
    "tcsh",
    "fish",
    "chromium",
    "redis-server",
    "pg_ctlcluster",
)
INTERRUPTIONS = 10  # seconds between two of them
TRANSPORTS = ("auto", "openssh")  # `auto` connects with paramiko here


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--transport`, with which `./dev soak` runs all tests on hosts over OpenSSH."""
    parser.addoption("--transport", choices=TRANSPORTS, help="run all tests on hosts over this transport alone")


def pytest_configure(config: pytest.Config) -> None:
    """Before workers start, compile all modules into a folder that they share.

    Each worker would compile them otherwise, which takes 5 s: `PYTHONDONTWRITEBYTECODE` keeps the checkout clean.
    """
    os.environ.pop("PYTHONUNBUFFERED", None)  # users do not set it, and it hides faults
    if not config.getoption("numprocesses", None):  # a worker, or a run without workers
        return
    compiled = tempfile.mkdtemp(prefix="rr-compiled.")
    config.add_cleanup(lambda: shutil.rmtree(compiled))
    os.environ["PYTHONPYCACHEPREFIX"] = compiled
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    collect = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-qq", *config.args]
    subprocess.run(collect, cwd=config.invocation_params.dir, stdout=subprocess.DEVNULL)


def pytest_sessionstart() -> None:
    """Set up signals, and abort if a program is missing.

    A shell makes its background jobs ignore SIGINT and SIGQUIT, and their children inherit this. The tests need both
    signals. SIGTERM ends the tests as Ctrl-C does, so that the hosts are stopped as well.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    signal.signal(signal.SIGQUIT, signal.SIG_DFL)
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    spared = os.environ.get("TESTS_WITHOUT", "").split()  # programs that the chosen tests do not use
    missing = [name for name in (*NEEDED, "sshd") if shutil.which(name, path=path) is None and name not in spared]
    if missing:
        pytest.exit(f"not installed: {', '.join(missing)}; run ./dev test, which installs them", 1)


def pytest_report_header() -> list[str]:
    return [] if IS_ROOT else ["tests that need root are left out; ./dev test runs them if there is sudo"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without root, leave out the tests that need it, and with `--transport openssh` those about paramiko.

    Begin with the tests that take longest. At the end, one of them would keep one worker busy, and the others idle.
    """
    without = ["root"] * (not IS_ROOT) + ["paramiko"] * (config.getoption("transport") == "openssh")
    left_out = [item for item in items if any(map(item.get_closest_marker, without))]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.hookimpl(wrapper=True)
def pytest_timeout_set_timer(settings: pytest_timeout.Settings) -> Iterator[None]:
    """Interrupt a test again and again after its timeout: it may catch the first exception, and wait without end."""
    yield
    signal.setitimer(signal.ITIMER_REAL, settings.timeout, INTERRUPTIONS)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Give the teardown of each test a minute. pytest-timeout limits it only if the test has passed."""

    def give_up(*_: object) -> None:
        pytest.fail("the teardown took more than a minute")

    signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 60, INTERRUPTIONS)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Print a failure at once. If the tests do not end, the output says which one has failed."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\n{report.when} of {report.nodeid} failed:\n{report.longreprtext}", file=sys.stderr, flush=True)


@pytest.fixture(scope="session")
def session_farm(request: pytest.FixtureRequest) -> Iterator[Farm]:
    """Yield three hosts, node1 to node3, for all tests. They are not in tmp_path because sockets need short paths.

    With `--transport openssh`, their ssh config has a setting that only ssh obeys. The hosts do not offer this login.
    """
    farm = Farm(Path(tempfile.mkdtemp(prefix="rr.", dir="/tmp")))
    if request.config.getoption("transport") == "openssh":
        farm.ssh_config.write_text("HostbasedAuthentication yes\n")
    try:
        for number in (1, 2, 3):
            farm.add(f"node{number}")
        yield farm
    finally:
        farm.close()


@pytest.fixture(scope="session")
def prefork(session_farm: Farm) -> Iterator[Prefork]:
    """Yield the server process that runs `fab` for all tests, with a cache of compiled modules."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    program = Prefork(session_farm.folder, environment | {"PYTHONPYCACHEPREFIX": compiled_modules(session_farm)})
    yield program
    program.close()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with the mark `transports` over each transport, or only `./dev soak` over the second one."""
    mark = metafunc.definition.get_closest_marker("transports")
    if mark and not metafunc.config.getoption("transport"):
        usual, others = TRANSPORTS[:1], TRANSPORTS[1:]
        metafunc.parametrize("lab", often(usual, others) if "soak" in mark.args else TRANSPORTS, indirect=True)


@pytest.fixture
def lab(request: pytest.FixtureRequest, session_farm: Farm, prefork: Prefork, tmp_path: Path) -> Iterator[Lab]:
    """Yield three hosts and a stand-in for localhost, with empty folders and no processes.

    Hosts that the test adds to `lab.farm` are removed afterwards, and the ssh config is restored.
    """
    here = session_farm.stand_in()
    transport = getattr(request, "param", "auto")
    if transport != "auto":
        (here.home / ".fabric.yaml").write_text(f"remote_runner:\n  transport: {transport}\n")
    usual, ssh_config = set(session_farm.hosts), session_farm.ssh_config.read_text()
    folder = tmp_path / "configs"
    folder.mkdir()
    try:
        yield Lab(session_farm, here, folder, prefork, transport)
    finally:
        end_processes(session_farm.folder)
        for name in set(session_farm.hosts) - usual:
            session_farm.remove(session_farm.hosts[name])
        session_farm.ssh_config.write_text(ssh_config)
        for host in (*session_farm.hosts.values(), here):
            for emptied in (host.home, host.tmp, host.folder / "screens"):
                remove_tree(emptied)
            make_folders(host)


@pytest.fixture(autouse=True)
def no_leftovers(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves a thread or a process on a host behind."""
    before = set(threading.enumerate())
    yield
    eventually(lambda: not set(threading.enumerate()) - before, "all threads end")
    if "session_farm" in request.fixturenames:
        farm: Farm = request.getfixturevalue("session_farm")
        eventually(lambda: not list(processes_of(farm.folder)), "all processes end")


@pytest.fixture
def untouched(lab: Lab) -> Iterator[Lab]:
    """Yield the lab, and fail the test if anything connects to one of its hosts."""
    before = connections(lab)
    yield lab
    assert connections(lab) == before


def connections(lab: Lab) -> dict[str, int]:
    logs = {host.name: host.folder / "sshd.log" for host in lab.farm.hosts.values()}
    return {name: log.read_text().count("Connection from") for name, log in logs.items()}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, free_ports(1))
    write(tmp_path / "echo.sh", ECHO).chmod(0o755)
    try:
        yield made
    finally:
        for process in made.processes:
            if process.poll() is None:
                process.terminate()
            process.wait(timeout=20)
