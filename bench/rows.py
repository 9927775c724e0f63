"""Define the rows of the benchmark: commands of ours and its peers, their preparation and checks."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import attrs

from tests.support.farm import own_name

from .field import FAB, ROOT, Field, check_same, check_sleepers
from .peers import PEERS, python_of

OURS = "ours"


def nothing() -> None:
    """Do nothing."""


@attrs.frozen
class Contender:
    """A command line, with functions to call before each run, after each run, and at the end."""

    command: Sequence[str | Path]
    prepare: Callable[[], None] = nothing
    check: Callable[[], None] = nothing
    clean_up: Callable[[], None] = nothing


@attrs.frozen
class Row:
    """One row of the table.

    Ours may need at most `times` the value of the best peer in `against`, plus `plus`. `figure` is the compared value:
    `wall` or `cpu` in seconds, or `memory`, the peak in MB. Other peers are only reported.
    `hosts` is the number of hosts. `contenders` returns the contenders for a field with that many hosts.
    """

    name: str
    work: str
    hosts: int
    contenders: Callable[[Field], Mapping[str, Contender]]
    against: Sequence[str] = ()
    times: float = 1
    plus: float = 0
    figure: str = "wall"
    has_relay: bool = True


def rows(slow_peers: bool) -> list[Row]:
    """Return all rows. With `slow_peers`, they include Ansible and pyinfra."""
    copies = partial(copy_many, slow_peers=slow_peers)
    memory = partial(Row, plus=120, figure="memory", has_relay=False)
    return [
        Row("same-1", "nothing changed, 2,000 files, 1 host", 1, partial(copies, True), ["rsync -ac"], 1.5),
        Row("same-8", "nothing changed, 2,000 files, 8 hosts", 8, partial(copies, True), ["rsync -ac"], 0.7),
        Row("new-1", "all new, 2,000 files, 1 host", 1, partial(copies, False), ["rsync -a"]),
        Row("new-8", "all new, 2,000 files, 8 hosts", 8, partial(copies, False), ["rsync -a"], 0.8),
        Row("big-1", "all new, 256 MB, 1 host", 1, copy_big, ["scp"]),
        Row("big-4", "all new, 256 MB, 4 hosts", 4, copy_big, ["scp"]),
        Row("one-byte", "1 byte differs in 256 MB, 1 host", 1, change_one_byte, ["scp"], 1.2),
        Row("connect-50", "first connect and one command, 50 hosts", 50, connect, ["clush", "parallel-ssh"], 0.7),
        Row("start-80", "start 80 components, 8 hosts, 2 indices", 8, start, ["ssh HOST screen"], 0.3),
        memory("memory-large", "peak memory, one file of 2 GB, 1 host", 1, copy_huge),
        memory("memory-many", "peak memory, 20,000 files, 8 hosts", 8, copy_very_many),
        Row("list", "CPU of fab --list", 0, list_commands, ["fab --version"], plus=0.15, figure="cpu", has_relay=False),
    ]


def on_each(field: Field, command: str) -> list[str]:
    """Return a command that runs `command` on all hosts at once, with {} as the host; by xargs if there are several."""
    if len(field.names) == 1:
        return ["sh", "-c", command.replace("{}", field.names[0])]
    listed = "\\n".join(field.names)
    return ["sh", "-c", f"printf '{listed}\\n' | xargs -P {len(field.names)} -I{{}} {command}"]


def copier(field: Field, command: Sequence[str | Path], source: Path, target: str, keep: bool = False) -> Contender:
    """Return a contender that copies `source` to `target` on every host.

    The target is removed before each run, unless `keep` is set.
    """
    places = [host.home / target for host in field.hosts]

    def remove() -> None:
        for place in places:
            if place.is_dir():
                shutil.rmtree(place)
            place.unlink(missing_ok=True)

    def check() -> None:
        for place in places:
            check_same(source, place)

    return Contender(command, nothing if keep else remove, check, remove)


def ours(field: Field, source: Path, target: str) -> list[str | Path]:
    """Return our command line that copies `source` to `target`."""
    text = f"""
for host in {field.names}:
    config.add_component(Component(name="copied", host=host, executable="none", start_index=1, base_dir="~",
                                   files={{{str(source)!r}: {target!r}}}))
"""
    return field.fab("sync", field.config(f"copy-{target}", text))


def rsync(field: Field, options: str, source: Path, target: str) -> list[str]:
    """Return an rsync command line for a folder or a file."""
    slash = "/" if source.is_dir() else ""
    return on_each(field, f"rsync {options} -e {shlex.quote(field.ssh())} {source}{slash} {{}}:{target}{slash}")


def scp(field: Field, source: Path, target: str) -> list[str]:
    """Return an scp command line for a file."""
    return on_each(field, f"scp -q -F {field.ssh_config} {source} {{}}:{target}")


def copy_many(keep: bool, field: Field, slow_peers: bool) -> dict[str, Contender]:
    """Copy 2,000 files. With `keep`, the hosts have all of them already."""
    source = field.many(2000)
    options = "-ac" if keep else "-a"
    commands: dict[str, Sequence[str | Path]] = {
        OURS: ours(field, source, "ours"),
        f"rsync {options}": rsync(field, options, source, "rsync"),
    }
    if slow_peers:
        commands |= {"ansible": ansible(field, source, "ansible"), "pyinfra": pyinfra(field, source, "pyinfra")}
    return {name: copier(field, command, source, command_target(name), keep) for name, command in commands.items()}


def command_target(name: str) -> str:
    """Return the target folder of a contender of `copy_many`."""
    return name.split()[0]


def ansible(field: Field, source: Path, target: str) -> list[str | Path]:
    """Return a command line of Ansible's copy module."""
    inventory = ",".join(field.names) + ","
    arguments = f"src={source}/ dest={target}/ mode=preserve"
    options = ["-i", inventory, "-f", "64", "--ssh-common-args", f"-F {field.ssh_config}"]
    return [PEERS / "bin/ansible", "all", *options, "-m", "ansible.builtin.copy", "-a", arguments]


def pyinfra(field: Field, source: Path, target: str) -> list[str | Path]:
    """Return a command line of pyinfra's files.sync."""
    inventory = field.folder / "inventory.py"
    inventory.write_text(
        f"hosts = [(name, {{'ssh_config_file': {str(field.ssh_config)!r}}}) for name in {field.names}]\n"
    )
    return [PEERS / "bin/pyinfra", "-y", inventory, "files.sync", f"src={source}", f"dest={target}"]


def copy_big(field: Field) -> dict[str, Contender]:
    """Copy one large new file."""
    source = field.big()
    commands: dict[str, Sequence[str | Path]] = {
        OURS: ours(field, source, "ours.big"),
        "scp": scp(field, source, "scp.big"),
    }
    return {name: copier(field, command, source, f"{name}.big") for name, command in commands.items()}


def change_one_byte(field: Field) -> dict[str, Contender]:
    """Copy a large file whose old copy differs in one byte."""
    source = field.big()
    commands: dict[str, Sequence[str | Path]] = {
        OURS: ours(field, source, "ours.big"),
        "scp": scp(field, source, "scp.big"),
        "rsync": rsync(field, "-a", source, "rsync.big"),
    }
    return {
        name: attrs.evolve(
            copier(field, command, source, f"{name}.big"),
            prepare=partial(differ_by_a_byte, source, field.farm.hosts["node1"].home / f"{name}.big"),
        )
        for name, command in commands.items()
    }


def differ_by_a_byte(source: Path, copy: Path) -> None:
    """Make `copy` a copy of `source` with one byte in the middle changed."""
    if not copy.exists():
        shutil.copyfile(source, copy)
    middle = source.stat().st_size // 2
    with source.open("rb") as original, copy.open("r+b") as file:
        original.seek(middle)
        file.seek(middle)
        file.write(bytes([original.read(1)[0] ^ 1]))


def connect(field: Field) -> dict[str, Contender]:
    """Connect for the first time and run one command."""
    own: list[str | Path] = [sys.executable, "-m", "bench.one_command", field.ssh_config, *field.names]
    clush = ["-q", "-f", "64", "-w", ",".join(field.names), "-o", f"-F {field.ssh_config}", "true"]
    targets = [f"{host.address}:{field.ports[host.name]}" for host in field.hosts]
    pssh: list[str | Path] = [python_of(PEERS), ROOT / "bench/parallel_ssh.py", own_name(), field.farm.key, *targets]
    return {OURS: Contender(own), "clush": Contender([PEERS / "bin/clush", *clush]), "parallel-ssh": Contender(pssh)}


def start(field: Field) -> dict[str, Contender]:
    """Start 10 components on each host, with two start indices, in existing sessions."""
    text = f"""
for host in {field.names}:
    for number in range(10):
        config.add_component(Component(name=f"sleeper{{number}}", host=host, executable="/bin/sleep",
                                       args=["1007"], start_index=number // 5, base_dir="~"))
"""
    config = field.config("start", text)
    orders = ["\\n".join(name for name in field.names for _ in range(5))] * 2
    one = f"{field.ssh()} {{}} screen -S theirs -X screen sleep 1008"
    theirs = " && ".join(f"printf '{order}\\n' | xargs -P 8 -I{{}} {one}" for order in orders)

    def end() -> None:
        run(field.fab("kill", config))
        for host in field.hosts:
            host.run("screen -S theirs -X quit; true")

    def prepare_ours() -> None:
        end()
        run(field.fab("screen", config))

    def prepare_theirs() -> None:
        end()
        for host in field.hosts:
            host.run("screen -dmS theirs")

    return {
        OURS: Contender(field.fab("start", config), prepare_ours, partial(check_sleepers, field, "1007", 80), end),
        "ssh HOST screen": Contender(
            ["sh", "-c", theirs], prepare_theirs, partial(check_sleepers, field, "1008", 80), end
        ),
    }


def copy_huge(field: Field) -> dict[str, Contender]:
    """Copy one file of 2 GB. It is sparse, because only the number of bytes matters."""
    source = field.folder / "huge"
    with source.open("wb") as file:
        file.truncate(2 << 30)
    return {OURS: copier(field, ours(field, source, "ours.huge"), source, "ours.huge")}


def copy_very_many(field: Field) -> dict[str, Contender]:
    """Copy 20,000 files."""
    source = field.many(20_000)
    return {OURS: copier(field, ours(field, source, "ours.many"), source, "ours.many")}


def list_commands(field: Field) -> dict[str, Contender]:
    """Run a command line that does no work."""
    fab: list[str | Path] = [FAB, "-r", ROOT]
    return {OURS: Contender([*fab, "--list"]), "fab --version": Contender([*fab, "--version"])}


def run(command: Sequence[str | Path]) -> None:
    """Run a command that is not measured. Raises CalledProcessError if it fails."""
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
