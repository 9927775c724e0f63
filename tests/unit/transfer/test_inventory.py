"""Answers of real `stat` and `openssl`, read back."""

import hashlib
import os
import subprocess
from pathlib import Path

import pytest

from fabfile.transfer.inventory import RemoteEntry, hash_line, read_inventory, read_stat
from fabfile.transfer.tree import Tree
from rr_config.files.local_files import LocalFile
from tests.support.trees import FILE

NAMES = ["plain", "two  words", " lead", "trail ", "-n", "*", "it's", '"', "new\nline", "\n", "back\\slash", "a\\nb"]
NAMES += [
    "tab\t",
    "\\",
    "é",
    "ā Ĉ",
    "\udcff\udc81",
    "=x",
    "*star",
    "a *b",
    "(stdin)=",
    "x" * 255,
    "\r",
    "\x1b[31m",
    "$HOME",
]


@pytest.fixture
def awkward(tmp_path: Path) -> dict[str, bytes]:
    """Files of awkward names, by path, with what is in them."""
    contents = {f"{tmp_path}/{name}": os.fsencode(name) * number for number, name in enumerate(NAMES)}
    for path, content in contents.items():
        Path(path).write_bytes(content)
        Path(path).chmod(0o640)
    return contents


def said_by(command: list[str], paths: list[str], separator: bytes) -> list[bytes]:
    done = subprocess.run([*command, *paths], capture_output=True, env=os.environ | {"LC_ALL": "C"})
    return done.stdout.split(separator)[:-1]


def test_stat_answer_is_read(awkward: dict[str, bytes], tmp_path: Path) -> None:
    paths = [*awkward, str(tmp_path), f"{tmp_path}/none"]
    answers = said_by(["stat", "-L", "--printf", "%f %s %n\\0", "--"], paths, b"\0")
    found = read_stat(answers)
    assert found.pop(str(tmp_path)).is_dir
    assert found == {path: RemoteEntry(FILE | 0o640, len(content)) for path, content in awkward.items()}
    tree = Tree({path: LocalFile("/l", 0o640, len(content)) for path, content in awkward.items()})
    assert read_inventory(tree, answers).differing == {}
    assert read_inventory(tree, answers[1:]).differing == {next(iter(awkward)): None}


def test_openssl_answer_is_predicted(awkward: dict[str, bytes], tmp_path: Path) -> None:
    answers = said_by(["openssl", "dgst", "-sha1", "-r"], [*awkward, f"{tmp_path}/none"], b"\n")
    assert answers == [hash_line(path, hashlib.sha1(content).hexdigest()) for path, content in awkward.items()]
