"""Contenders that copy files to hosts."""

import shlex
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import attrs

from tests.support.farm import own_name

from .contender import OURS, Contender, nothing, on_each
from .field import FAB, OWN, Field, check_same
from .peers import PEERS

Commands = dict[str, Sequence[str | Path]]


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


def ours(field: Field, source: Path, target: str, *options: str, program: Path = OWN) -> list[str | Path]:
    """Return our command line that copies `source` to `target`."""
    text = f"""
for host in {field.names}:
    config.add_component(Component(name="copied", host=host, executable="none", start_index=1, base_dir="~",
                                   files={{{str(source)!r}: {target!r}}}))
"""
    return [*field.own("sync", field.config(f"copy-{target}", text), program), *options]


def rsync(field: Field, options: str, source: Path, target: str) -> list[str]:
    """Return an rsync command line for a folder or a file."""
    slash = "/" if source.is_dir() else ""
    return on_each(field, f"rsync {options} -e {shlex.quote(field.ssh())} {source}{slash} {{}}:{target}{slash}")


def scp(field: Field, source: Path, target: str) -> list[str]:
    """Return an scp command line for a file."""
    return on_each(field, f"scp -q -F {field.ssh_config} {source} {{}}:{target}")


def rclone(field: Field, options: str, source: Path, target: str) -> list[str]:
    """Return an rclone command line for a folder or a file: sftp, with 8 transfers."""
    config = field.folder / "rclone.conf"
    common = f"user = {own_name()}\nkey_file = {field.farm.key}\nshell_type = unix\n"
    sections = []
    for host in field.hosts:
        place = f"type = sftp\nhost = {host.address}\nport = {field.ports[host.name]}\n"
        sections.append(f"[{host.name}]\n{place}{common}known_hosts_file = {field.known_hosts}\n")
    config.write_text("\n".join(sections))
    command = "copy" if source.is_dir() else "copyto"
    return on_each(field, f"rclone --config {config} -q --transfers 8 {options} {command} {source} {{}}:{target}")


def fpsync(field: Field, options: str, source: Path, target: str) -> list[str]:
    """Return an fpsync command line for a folder: 8 processes of rsync."""
    home = field.hosts[0].home.parent.parent / "{}" / "home"
    command = f"fpsync -n 8 -f 500 -t {field.folder}/fpsync.{{}} -o -lptgoD{options} {source}/ {{}}:{home}/{target}/"
    return ["env", f"RSYNC_RSH={field.ssh()}", *on_each(field, command)]


def copy_many(keep: bool, field: Field, slow_peers: bool) -> dict[str, Contender]:
    """Copy 2,000 files. With `keep`, the hosts have all of them already."""
    source = field.many(2000)
    options = "-ac" if keep else "-a"
    commands: Commands = {
        OURS: ours(field, source, "ours"),
        "fab": ours(field, source, "fab", program=FAB),
        f"rsync {options}": rsync(field, options, source, "rsync"),
        "fpsync": fpsync(field, "c" if keep else "", source, "fpsync"),
    }
    if slow_peers:
        commands["rclone"] = rclone(field, "--checksum" if keep else "", source, "rclone")
        commands |= {"ansible": ansible(field, source, "ansible"), "pyinfra": pyinfra(field, source, "pyinfra")}
    return {name: copier(field, command, source, target_of(name), keep) for name, command in commands.items()}


def target_of(name: str) -> str:
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
    commands: Commands = {
        OURS: ours(field, source, "ours.big"),
        "scp": scp(field, source, "scp.big"),
        "rclone": rclone(field, "", source, "rclone.big"),
    }
    return {name: copier(field, command, source, f"{name}.big") for name, command in commands.items()}


def relay(field: Field) -> dict[str, Contender]:
    """Copy one large new file, with and without --relay."""
    source = field.big(128)
    direct = copier(field, ours(field, source, "direct.big"), source, "direct.big")
    return {
        OURS: copier(field, ours(field, source, "ours.big", "--relay"), source, "ours.big"),
        "without --relay": direct,
    }


def change_one_byte(field: Field) -> dict[str, Contender]:
    """Copy a large file whose old copy differs in one byte."""
    source = field.big()
    commands: Commands = {
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


def copy_huge(field: Field) -> Mapping[str, Contender]:
    """Copy one file of 2 GB. It is sparse, because only the number of bytes matters."""
    source = field.folder / "huge"
    with source.open("wb") as file:
        file.truncate(2 << 30)
    return {OURS: copier(field, ours(field, source, "ours.huge"), source, "ours.huge")}


def copy_very_many(field: Field) -> Mapping[str, Contender]:
    """Copy 20,000 files."""
    source = field.many(20_000)
    return {OURS: copier(field, ours(field, source, "ours.many"), source, "ours.many")}
