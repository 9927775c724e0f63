"""The architecture: packages import only downward, modules form no circle, and time comes from a clock."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import attrs

import fabfile

ROOT = Path(fabfile.__file__).resolve().parent.parent

# Packages in `fabfile/`, and those that each may import besides. All of them may import `util` and `rr_config`.
MAY_IMPORT = {
    "util": set[str](),
    "remote": set[str](),
    "ssh": {"remote"},
    "transfer": {"remote"},
    "components": {"remote"},
    "diagnosis": {"transfer", "components", "remote"},
    "results": {"transfer", "components", "remote"},
    "reporting": {"results", "components"},
    "runner": {"reporting", "results", "diagnosis", "components", "transfer", "ssh", "remote"},
    "sweeps": {"runner", "reporting", "results"},
    "ui": {"sweeps", "runner", "results", "diagnosis", "components", "transfer"},
    "cli": {"ui", "sweeps", "reporting", "runner", "ssh"},
}
# The libraries that `rr_config` imports besides the standard library.
LIBRARIES_OF_CONFIG = {"attrs", "ClusterShell", "pathspec"}
# Modules that may ask for the time or wait: the clock, the two kinds of hosts, and the birth of this process.
KEEP_TIME = ("fabfile.util.clock", "fabfile.util.daemons", "fabfile.ssh.", "fabfile.remote.ask")


@attrs.frozen
class Import:
    """An import anywhere in a module: in a function and under TYPE_CHECKING, too."""

    module: str
    target: str


@cache
def modules() -> dict[str, ast.Module]:
    """Return the parsed modules of `fabfile` and `rr_config` by full name; a package stands for its `__init__`.

    Only a test calls it: each worker imports this file, and parsing takes 0.7 s of CPU.
    """
    found = {}
    for path in [*(ROOT / "fabfile").rglob("*.py"), *(ROOT / "rr_config").rglob("*.py")]:
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if "scripts" not in path.parts:
            found[name] = ast.parse(path.read_text())
    return found


def imports() -> Iterator[Import]:
    """Yield every import, with relative ones resolved. `from PACKAGE import MODULE` counts as that of the module."""
    for name, tree in modules().items():
        is_package = (ROOT / name.replace(".", "/")).is_dir()
        package = name if is_package else name.rpartition(".")[0]
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                yield from (Import(name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                parts = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
                base = ".".join([*parts, *([node.module] if node.module else [])])
                for alias in node.names:
                    full = f"{base}.{alias.name}"
                    yield Import(name, full if full in modules() else base)


def package_of(module: str) -> str:
    """Return `PACKAGE` for a module of `fabfile.PACKAGE`, nothing for the modules on top."""
    parts = module.split(".")
    name = ".".join(parts[:2])
    return parts[1] if len(parts) > 1 and (ROOT / name.replace(".", "/")).is_dir() else ""


def test_packages_import_only_downward() -> None:
    wrong = []
    for each in imports():
        own, target = package_of(each.module), package_of(each.target)
        if not each.module.startswith("fabfile.") or not own or not each.target.startswith("fabfile"):
            continue
        if target not in MAY_IMPORT[own] | {own, "util"}:
            wrong.append(f"{each.module} imports {each.target}")
    assert wrong == []


def test_config_package_stands_alone() -> None:
    of_config = [each for each in imports() if each.module.partition(".")[0] == "rr_config"]
    tops = {each.target.partition(".")[0] for each in of_config}
    assert "fabfile" not in tops
    assert tops - sys.stdlib_module_names - {"rr_config"} == LIBRARIES_OF_CONFIG


def test_only_two_modules_use_rich() -> None:
    """It takes long to load, so they are careful about when."""
    users = {each.module for each in imports() if each.target.partition(".")[0] == "rich"}
    assert users == {"fabfile.ui.terminal", "fabfile.ui.progress"}


def test_few_modules_use_slow_libraries() -> None:
    """They take long to load, so the modules import them late."""
    users = {each.module for each in imports() if each.target.partition(".")[0] == "ClusterShell"}
    assert users == {"fabfile.util.host_ranges", "rr_config.hosts.lists", "rr_config.hosts.limit"}
    assert {each.module for each in imports() if each.target.startswith("pathspec")} == {"rr_config.files.ignore"}


def test_commands_load_when_they_run() -> None:
    """`fab --list` and `fab --help` would be slower by 80 ms otherwise."""
    program = (
        "import sys, fabfile; print(sorted({'fabfile.runner', 'fabfile.ssh.host_group', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# Modules of `fabfile.ssh` for settings that few hosts have, and for questions.
LATE = {
    "config.openssh",
    "config.quotes",
    "login.agents",
    "login.passwords",
    "login.prompts",
    "network.proxies",
    "openssh.host",
    "openssh.process",
    "trust.certificates",
    "trust.commands",
    "trust.revocation",
    "tty",
}


def test_plain_connections_load_little(tmp_path: Path) -> None:
    """`connect-50` of bench/ would be slower otherwise."""
    (tmp_path / "config").write_text("Host h\n    HostName 127.0.0.1\n    Port 1\n")
    (tmp_path / "program.py").write_text(f"""
import sys
from fabric import Config
from fabfile.ssh.connection import connection_settings
from fabfile.ssh.host_group import HostFailure, HostGroup
group = HostGroup(["h"], connection_settings(Config(runtime_ssh_path={str(tmp_path / "config")!r})))
[(_, failure)] = group.each(["h"], lambda host: host.connect(), 1)
print(isinstance(failure, HostFailure), sorted({{"fabfile.ssh." + name for name in {LATE}}} & set(sys.modules)))
assert "concurrent.futures.thread" not in sys.modules
""")
    program = [sys.executable, str(tmp_path / "program.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "True []\n"


def test_modules_form_no_circle() -> None:
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for each in imports():
        # A package's `__init__` only re-exports: its modules may be imported beside it.
        if each.target in modules() and each.target != each.module:
            graph[each.module].add(each.target)
    tuple(TopologicalSorter(graph).static_order())  # raises CycleError


def test_packages_are_listed_and_small() -> None:
    packages = {path.name: path for path in (ROOT / "fabfile").iterdir() if (path / "__init__.py").exists()}
    assert packages.keys() == MAY_IMPORT.keys()
    on_top = {path.name for path in (ROOT / "fabfile").glob("*.py")}
    assert on_top == {"__init__.py", "__main__.py"}
    for name, path in packages.items():
        count = len(list(path.glob("*.py"))) - 1
        assert 3 <= count <= 12, f"{name} has {count} modules"


def test_no_package_is_named_like_a_task() -> None:
    """Importing it would replace the task in the namespace of `fabfile`."""
    names = {path.stem for path in (ROOT / "fabfile").iterdir()}
    tasks = {name for name, value in vars(fabfile).items() if type(value).__name__ == "Command"}
    assert len(tasks) > 15
    assert not names & tasks


def test_time_comes_from_a_clock() -> None:
    """Code above the hosts takes the clock and `sleep` as values."""
    wrong = []
    for name, tree in modules().items():
        if name.startswith(KEEP_TIME) or not name.startswith("fabfile"):
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Import | ast.Attribute):
                continue
            is_import = isinstance(node, ast.Import) and any(alias.name == "time" for alias in node.names)
            is_call = isinstance(node, ast.Attribute) and node.attr in ("Timer", "now", "sleep")
            if is_import or (is_call and ast.unparse(node) in ("threading.Timer", "datetime.now", "time.sleep")):
                wrong.append(f"{name}:{node.lineno}")
    assert wrong == []
