"""What is measured: for each row, what ours and its peers run, and what has to be true before and after."""

import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import attrs

from tests.throwaway import processes_of

from .field import BIG, ROOT, Field, check_same, user


def nothing() -> None:
    """Nothing to do."""


@attrs.frozen
class Contender:
    """A command line, what is done before each of its runs, and what must hold after it."""

    command: list[str]
    prepare: Callable[[], None]
    check: Callable[[], None]
    clean_up: Callable[[], None] = nothing


@attrs.frozen
class Row:
    """One line of the table. Ours must take at most `bound` times what the fastest of `against` takes."""

    name: str
    work: str
    bound: float
    ours: Contender
    peers: Mapping[str, Contender]
    against: tuple[str, ...]


def rows(field: Field, suffix: str = "") -> list[Row]:
    """All rows, on the hosts of `field`."""
    made = [
        same(field, 1, 1.5),
        same(field, 8, 0.7),
        new(field, 1, 1.0),
        new(field, 8, 0.8),
        big(field, 1),
        big(field, 4),
        one_byte(field),
        connect(field),
        start(field),
    ]
    return [attrs.evolve(row, name=row.name + suffix) for row in made]


def nodes(count: int) -> list[str]:
    """The names of the first hosts."""
    return [f"node{number}" for number in range(1, count + 1)]


def on_each(field: Field, count: int, command: str) -> list[str]:
    """`command`, with {} for the host, on so many hosts at once, by xargs."""
    names = "\\n".join(nodes(count))
    return ["sh", "-c", f"printf '{names}\\n' | xargs -P {count} -I{{}} {command}"]


def copying(field: Field, name: str, count: int, source: Path, target: str) -> list[str]:
    """Ours: copies `source` to `target` on the first hosts."""
    text = f"""
for host in {nodes(count)}:
    config.add_component(Component(name="copied", host=host, executable="none", start_index=1, base_dir="~",
                                   files={{{str(source)!r}: {target!r}}}))
"""
    return field.fab("sync", field.config(name, text))


def checked(field: Field, count: int, source: Path, target: str) -> Callable[[], None]:
    """Checks `target` on the first hosts against `source`."""

    def check() -> None:
        for name in nodes(count):
            check_same(source, field.host(name).home / target)

    return check


def without(field: Field, count: int, target: str) -> Callable[[], None]:
    """Removes `target` from the first hosts."""

    def remove() -> None:
        for name in nodes(count):
            path = field.host(name).home / target
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)

    return remove


def rsync(field: Field, options: str, source: Path, target: str, host: str) -> str:
    """A shell command that brings a folder or a file to a host by rsync."""
    slash = "/" if source.is_dir() else ""
    return f"rsync {options} -e {shlex.quote(field.ssh())} {source}{slash} {host}:{target}{slash}"


def same(field: Field, count: int, bound: float) -> Row:
    """Nothing has changed."""
    ours = copying(field, f"same{count}", count, field.many, "ours")
    if count == 1:
        theirs = ["sh", "-c", rsync(field, "-ac", field.many, "theirs", "node1")]
    else:
        theirs = on_each(field, count, rsync(field, "-ac", field.many, "theirs", "{}"))
    return Row(
        f"same-{count}",
        f"nothing changed, 2,000 files, {count} hosts",
        bound,
        Contender(ours, nothing, checked(field, count, field.many, "ours")),
        {"rsync -ac": Contender(theirs, nothing, checked(field, count, field.many, "theirs"))},
        ("rsync -ac",),
    )


def new(field: Field, count: int, bound: float) -> Row:
    """All files are new."""
    ours = copying(field, f"new{count}", count, field.many, "ours")
    if count == 1:
        theirs = ["sh", "-c", rsync(field, "-a", field.many, "theirs", "node1")]
    else:
        theirs = on_each(field, count, rsync(field, "-a", field.many, "theirs", "{}"))
    return Row(
        f"new-{count}",
        f"all new, 2,000 files, {count} hosts",
        bound,
        Contender(ours, without(field, count, "ours"), checked(field, count, field.many, "ours")),
        {"rsync -a": Contender(theirs, without(field, count, "theirs"), checked(field, count, field.many, "theirs"))},
        ("rsync -a",),
    )


def scp(field: Field, source: Path, target: str, host: str) -> str:
    """A shell command that brings a file to a host by scp."""
    return f"scp -q -F {field.ssh_config} {source} {host}:{target}"


def big(field: Field, count: int) -> Row:
    """One large new file."""
    ours = copying(field, f"big{count}", count, field.big, "ours.big")
    if count == 1:
        theirs = ["sh", "-c", scp(field, field.big, "theirs.big", "node1")]
    else:
        theirs = on_each(field, count, scp(field, field.big, "theirs.big", "{}"))

    def contender(command: list[str], target: str) -> Contender:
        remove = without(field, count, target)
        return Contender(command, remove, checked(field, count, field.big, target), remove)

    peers = {"scp": contender(theirs, "theirs.big")}
    return Row(f"big-{count}", f"all new, 256 MB, {count} hosts", 1.0, contender(ours, "ours.big"), peers, ("scp",))


def one_byte(field: Field) -> Row:
    """One byte differs in a large file of the same size."""

    def contender(command: list[str], target: str) -> Contender:
        path = field.host("node1").home / target

        def prepare() -> None:
            if not path.exists():
                shutil.copyfile(field.big, path)
            with path.open("r+b") as file:
                file.seek(BIG // 2)
                byte = file.read(1)
                file.seek(BIG // 2)
                file.write(bytes([byte[0] ^ 1]))

        return Contender(command, prepare, checked(field, 1, field.big, target), without(field, 1, target))

    ours = copying(field, "byte", 1, field.big, "ours.big")
    return Row(
        "one-byte",
        "1 byte differs in 256 MB, 1 host",
        1.2,
        contender(ours, "ours.big"),
        {
            "scp": contender(["sh", "-c", scp(field, field.big, "scp.big", "node1")], "scp.big"),
            "rsync": contender(["sh", "-c", rsync(field, "-a", field.big, "rsync.big", "node1")], "rsync.big"),
        },
        ("scp",),
    )


def connect(field: Field) -> Row:
    """The first connection and one command."""
    names = nodes(50)
    ours = [sys.executable, "-m", "bench.one_command", str(field.ssh_config), *names]
    clush = [sys.executable, "-m", "ClusterShell.CLI.Clush", "-q", "-f", "64", "-w", ",".join(names)]
    clush += ["-o", f"-F {field.ssh_config}", "true"]
    text = field.ssh_config.read_text()
    targets = []
    for name in names:
        port = text.split(f"Host {name}\n")[1].split("Port ")[1].split("\n")[0]
        targets.append(f"{name}={field.host(name).address}:{port}")
    pssh = [sys.executable, str(ROOT / "bench/parallel_ssh.py"), user(), str(field.farm.key), *targets]
    return Row(
        "connect-50",
        "first connect and one command, 50 hosts",
        0.7,
        Contender(ours, nothing, nothing),
        {"clush -f 64": Contender(clush, nothing, nothing), "parallel-ssh": Contender(pssh, nothing, nothing)},
        ("clush -f 64", "parallel-ssh"),
    )


def start(field: Field) -> Row:
    """80 components on 8 hosts, in two start indices."""
    hosts = nodes(8)
    ours = field.config(
        "start",
        f"""
for host in {hosts}:
    for number in range(10):
        config.add_component(Component(name=f"sleeper{{number}}", host=host, executable="/bin/sleep",
                                       args=["1007"], start_index=number // 5, base_dir="~"))
""",
    )
    orders = ["\\n".join(host for host in hosts for _ in range(5))] * 2
    one = f"{field.ssh()} {{}} screen -S theirs -X screen sleep 1008"
    theirs = " && ".join(f"printf '{order}\\n' | xargs -P 8 -I{{}} {one}" for order in orders)

    def prepare_ours() -> None:
        end()
        run(field.fab("screen", ours))

    def prepare_theirs() -> None:
        end()
        for name in hosts:
            field.host(name).run("screen -dmS theirs")

    def check(seconds: str) -> Callable[[], None]:
        return lambda: wait_for_sleepers(field, seconds, 80)

    def end() -> None:
        run(field.fab("kill", ours))
        for name in hosts:
            field.host(name).run("screen -S theirs -X quit; true")

    return Row(
        "start-80",
        "start 80 components, 8 hosts, 2 indices",
        0.3,
        Contender(field.fab("start", ours), prepare_ours, check("1007"), end),
        {"ssh HOST screen": Contender(["sh", "-c", theirs], prepare_theirs, check("1008"), end)},
        ("ssh HOST screen",),
    )


def run(command: list[str]) -> None:
    """Run what is not measured; CalledProcessError where it fails."""
    subprocess.run(command, cwd=ROOT, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def wait_for_sleepers(field: Field, seconds: str, count: int) -> None:
    """AssertionError unless, within 10 s, `count` of `sleep SECONDS` run on the hosts, and stay."""
    deadline = time.monotonic() + 10
    while (found := sleepers(field, seconds)) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    assert found == count, f"{found} of {count} sleepers run"


def sleepers(field: Field, seconds: str) -> int:
    """How many of `sleep SECONDS` run on the hosts."""
    found = 0
    for pid in processes_of(field.farm.folder):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            continue
        found += command.endswith(b"sleep\0" + seconds.encode() + b"\0")
    return found
