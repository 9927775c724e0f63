"""What is measured: for each row, what ours and its peers run, and what has to be true before and after."""

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
    """Nothing to do."""


@attrs.frozen
class Contender:
    """A command line, what is done before each of its runs, what must hold after it, and what is done at the end."""

    command: Sequence[str | Path]
    prepare: Callable[[], None] = nothing
    check: Callable[[], None] = nothing
    clean_up: Callable[[], None] = nothing


@attrs.frozen
class Row:
    """One line of the table.

    Ours may have at most `times` what the best of `against` has, and `plus` on top, of `figure`: seconds
    (`wall` or `cpu`) or the peak of MB in memory (`memory`). Other peers are reported, and no more than that.
    `hosts` is how many the row needs; `contenders` makes what runs, on a field that has so many.
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
    """All rows; with `slow_peers`, Ansible and pyinfra are reported, too."""
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
    """`command`, with {} for the host, on all hosts at once; by xargs where there are several."""
    if len(field.names) == 1:
        return ["sh", "-c", command.replace("{}", field.names[0])]
    listed = "\\n".join(field.names)
    return ["sh", "-c", f"printf '{listed}\\n' | xargs -P {len(field.names)} -I{{}} {command}"]


def copier(field: Field, command: Sequence[str | Path], source: Path, target: str, keep: bool = False) -> Contender:
    """Copies `source` to `target` on every host; each run finds nothing there, unless `keep`."""
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
    """Ours: copies `source` to `target`."""
    text = f"""
for host in {field.names}:
    config.add_component(Component(name="copied", host=host, executable="none", start_index=1, base_dir="~",
                                   files={{{str(source)!r}: {target!r}}}))
"""
    return field.fab("sync", field.config(f"copy-{target}", text))


def rsync(field: Field, options: str, source: Path, target: str) -> list[str]:
    """rsync of a folder or a file."""
    slash = "/" if source.is_dir() else ""
    return on_each(field, f"rsync {options} -e {shlex.quote(field.ssh())} {source}{slash} {{}}:{target}{slash}")


def scp(field: Field, source: Path, target: str) -> list[str]:
    """scp of a file."""
    return on_each(field, f"scp -q -F {field.ssh_config} {source} {{}}:{target}")


def copy_many(keep: bool, field: Field, slow_peers: bool) -> dict[str, Contender]:
    """2,000 files: all there already (`keep`), or all new."""
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
    """Where a contender of `copy_many` copies to."""
    return name.split()[0]


def ansible(field: Field, source: Path, target: str) -> list[str | Path]:
    """Ansible's copy module."""
    inventory = ",".join(field.names) + ","
    arguments = f"src={source}/ dest={target}/ mode=preserve"
    options = ["-i", inventory, "-f", "64", "--ssh-common-args", f"-F {field.ssh_config}"]
    return [PEERS / "bin/ansible", "all", *options, "-m", "ansible.builtin.copy", "-a", arguments]


def pyinfra(field: Field, source: Path, target: str) -> list[str | Path]:
    """pyinfra's files.sync."""
    inventory = field.folder / "inventory.py"
    inventory.write_text(
        f"hosts = [(name, {{'ssh_config_file': {str(field.ssh_config)!r}}}) for name in {field.names}]\n"
    )
    return [PEERS / "bin/pyinfra", "-y", inventory, "files.sync", f"src={source}", f"dest={target}"]


def copy_big(field: Field) -> dict[str, Contender]:
    """One large new file."""
    source = field.big()
    commands: dict[str, Sequence[str | Path]] = {
        OURS: ours(field, source, "ours.big"),
        "scp": scp(field, source, "scp.big"),
    }
    return {name: copier(field, command, source, f"{name}.big") for name, command in commands.items()}


def change_one_byte(field: Field) -> dict[str, Contender]:
    """One byte differs in a large file of the same size."""
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
    """Make `copy` a copy of `source` in which one byte in the middle is another."""
    if not copy.exists():
        shutil.copyfile(source, copy)
    middle = source.stat().st_size // 2
    with source.open("rb") as original, copy.open("r+b") as file:
        original.seek(middle)
        file.seek(middle)
        file.write(bytes([original.read(1)[0] ^ 1]))


def connect(field: Field) -> dict[str, Contender]:
    """The first connection and one command."""
    own: list[str | Path] = [sys.executable, "-m", "bench.one_command", field.ssh_config, *field.names]
    clush = ["-q", "-f", "64", "-w", ",".join(field.names), "-o", f"-F {field.ssh_config}", "true"]
    targets = [f"{host.address}:{field.ports[host.name]}" for host in field.hosts]
    pssh: list[str | Path] = [python_of(PEERS), ROOT / "bench/parallel_ssh.py", own_name(), field.farm.key, *targets]
    return {OURS: Contender(own), "clush": Contender([PEERS / "bin/clush", *clush]), "parallel-ssh": Contender(pssh)}


def start(field: Field) -> dict[str, Contender]:
    """10 components on each host, in two start indices, in sessions that are there."""
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
    """One file of 2 GB. (A sparse one: it is the number of bytes that counts.)"""
    source = field.folder / "huge"
    with source.open("wb") as file:
        file.truncate(2 << 30)
    return {OURS: copier(field, ours(field, source, "ours.huge"), source, "ours.huge")}


def copy_very_many(field: Field) -> dict[str, Contender]:
    """20,000 files."""
    source = field.many(20_000)
    return {OURS: copier(field, ours(field, source, "ours.many"), source, "ours.many")}


def list_commands(field: Field) -> dict[str, Contender]:
    """What a command line costs that does no work."""
    fab: list[str | Path] = [FAB, "-r", ROOT]
    return {OURS: Contender([*fab, "--list"]), "fab --version": Contender([*fab, "--version"])}


def run(command: Sequence[str | Path]) -> None:
    """Run what is not measured; CalledProcessError where it fails."""
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
