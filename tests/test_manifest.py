"""What has to be sent, set and made; and what real `stat` and `openssl` say, read back."""

import hashlib
import os
import stat
import subprocess
from pathlib import Path

import pytest

from fabfile.manifest import Changes, Found, Manifest, changes, locate, manifest, roots, to_hash, unmet
from fabfile.transfer import LocalHashes, read_hashes, read_stat
from rr_config import Component
from rr_config.files import LocalFile, Placed

FILE, FOLDER = stat.S_IFREG, stat.S_IFDIR
LOCAL = LocalFile("/l", 0o644, 5)
WANTED = Manifest({"/d/f": LOCAL}, {"/d": None})
THERE = {"/d": Found(FOLDER | 0o755, 4096)}
NOTHING = Changes((), {}, (), {})


def component(name: str = "a", base_dir: str | None = None, **files: str) -> Component:
    return Component(name=name, base_dir=base_dir, files=files, host="h", executable="x", start_index=1)


def same(local: LocalFile) -> str:
    return "same"


# -- changes


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, Changes(("/d/f",), {}, (), {})),
        (Found(FILE | 0o644, 4), Changes(("/d/f",), {}, (), {})),
        (Found(FILE | 0o600, 6), Changes(("/d/f",), {}, (), {})),
        (Found(FILE | 0o644, 5, "other"), Changes(("/d/f",), {}, (), {})),
        (Found(FILE | 0o644, 5, None), Changes(("/d/f",), {}, (), {})),
        (Found(FILE | 0o644, 5, "same"), NOTHING),
        (Found(FILE | 0o755, 5, "same"), Changes((), {"/d/f": 0o644}, (), {})),
        (Found(FILE | 0o4644, 5, "same"), Changes((), {"/d/f": 0o644}, (), {})),
        (Found(FOLDER | 0o755, 5), Changes((), {}, (), {"/d/f": "a folder is in its place"})),
        (Found(stat.S_IFIFO | 0o644, 5), Changes((), {}, (), {"/d/f": "what is in its place is no regular file"})),
    ],
)
def test_file_is_sent_or_set_only_where_it_differs(found: Found | None, expected: Changes) -> None:
    assert changes(WANTED, THERE | ({"/d/f": found} if found else {}), same) == expected


@pytest.mark.parametrize("found", [None, Found(FILE | 0o644, 5, "same"), Found(FILE | 0o600, 5), Found(FILE, 9)])
def test_always_copy_sends_every_file_and_hashes_none(found: Found | None) -> None:
    survey = THERE | ({"/d/f": found} if found else {})
    assert changes(WANTED, survey, fail_to_hash, always_copy=True) == Changes(("/d/f",), {}, (), {})


def test_always_copy_does_not_replace_a_folder() -> None:
    todo = changes(WANTED, THERE | {"/d/f": Found(FOLDER | 0o755, 5)}, fail_to_hash, always_copy=True)
    assert (todo.send, list(todo.problems)) == ((), ["/d/f"])


def fail_to_hash(local: LocalFile) -> str:
    raise AssertionError(f"{local.path} is hashed, which takes long, and for nothing")


@pytest.mark.parametrize("found", [None, Found(FILE | 0o644, 4), Found(FOLDER | 0o755, 5)])
def test_local_file_is_hashed_only_if_the_host_has_one_of_its_size(found: Found | None) -> None:
    changes(WANTED, {"/d/f": found} if found else {}, fail_to_hash)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, []),
        (Found(FILE | 0o600, 5), ["/d/f"]),
        (Found(FILE | 0o600, 4), []),
        (Found(FOLDER | 0o755, 5), []),
        (Found(stat.S_IFIFO | 0o644, 5), []),
    ],
)
def test_host_hashes_only_regular_files_of_the_same_size(found: Found | None, expected: list[str]) -> None:
    assert to_hash(WANTED, {"/d/f": found} if found else {}) == expected


def test_missing_folders_are_made_those_above_first() -> None:
    wanted = Manifest({}, {"/d/e/f": None, "/d": None, "/d/e": 0o750})
    todo = changes(wanted, {}, same)
    assert todo.make == ("/d", "/d/e", "/d/e/f")
    assert todo.chmod == {"/d/e": 0o750}


def test_file_in_the_place_of_a_folder_is_a_problem_and_harms_no_other() -> None:
    wanted = Manifest({"/d/f": LOCAL, "/e/f": LOCAL}, {"/d": 0o755, "/e": None})
    todo = changes(wanted, {"/d": Found(FILE | 0o644, 5), "/e": Found(FOLDER | 0o755, 9)}, same)
    assert todo == Changes(("/e/f",), {}, (), {"/d": "a file is in the place of this folder"})


# -- what came of it


@pytest.mark.parametrize(
    ("survey", "missed"),
    [
        ({"/d": Found(FOLDER | 0o755, 9), "/d/f": Found(FILE | 0o644, 5)}, []),
        ({"/d": Found(FOLDER | 0o755, 9)}, ["/d/f"]),
        ({"/d": Found(FOLDER | 0o755, 9), "/d/f": Found(FILE | 0o644, 4)}, ["/d/f"]),
        ({"/d": Found(FOLDER | 0o755, 9), "/d/f": Found(FILE | 0o600, 5)}, ["/d/f"]),
        ({"/d": Found(FILE | 0o755, 9)}, ["/d", "/d/f"]),
        ({}, ["/d", "/d/f"]),
    ],
)
def test_what_was_to_be_done_and_is_not_there_afterwards_is_named(survey: dict[str, Found], missed: list[str]) -> None:
    assert unmet(WANTED, Changes(("/d/f",), {}, ("/d",), {}), survey) == missed


def test_permissions_that_could_not_be_set_are_named() -> None:
    done = Changes((), {"/d/f": 0o644}, (), {})
    assert unmet(WANTED, done, {"/d/f": Found(FILE | 0o600, 5)}) == ["/d/f"]
    assert unmet(WANTED, done, {"/d/f": Found(FILE | 0o644, 5)}) == []


# -- where things are


def test_host_is_asked_for_homes_and_temporary_folders_once_each() -> None:
    components = [
        component("a", x="f", y="~/f"),
        component("b", "~/w", x="~root/f"),
        component("c", "/w", x="/f", y="~/g"),
    ]
    assert sorted(roots(components)) == ["temporary:a", "~", "~root"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/x/y", "/x/y"),
        ("~", "/home/me"),
        ("~/x y", "/home/me/x y"),
        ("~root/x", "/root/x"),
        ("f", "/tmp/t/f"),
        (".", "/tmp/t"),
        ("./~f", "/tmp/t/~f"),
        ("a/~", "/tmp/t/a/~"),
        ("../f", "/tmp/f"),
        ("~/../you", "/home/you"),
    ],
)
def test_paths_are_located_on_their_host(path: str, expected: str) -> None:
    known = {"~": "/home/me", "~root": "/root", "temporary:a": "/tmp/t"}
    assert os.path.normpath(locate(component(), path, known)) == expected


def test_manifest_has_files_and_the_folders_that_they_need() -> None:
    folder = LocalFile("/l/tree", 0o750, 0, is_dir=True)
    placed = [
        Placed(folder, "/w/tree", True),
        Placed(LOCAL, "/w/tree/f", False),
        Placed(LOCAL, "/elsewhere/deep/g", True),
    ]
    found = manifest([component("a", "/w")], {}, lambda _: placed)
    assert found.files == {"/w/tree/f": LOCAL, "/elsewhere/deep/g": LOCAL}
    assert found.folders == {"/w": None, "/w/tree": 0o750, "/elsewhere/deep": None}


def test_manifest_of_a_component_without_files_has_its_base_dir() -> None:
    found = manifest([component("a"), component("b", "~/w")], {"temporary:a": "/tmp/t", "~": "/h"}, lambda _: [])
    assert (found.files, found.folders) == ({}, {"/tmp/t": None, "/h/w": None})


def test_two_files_that_only_the_host_knows_to_meet_are_a_problem_and_neither_is_sent() -> None:
    other = LocalFile("/other", 0o644, 7)
    placed = {"a": [Placed(LOCAL, "~/f", True)], "b": [Placed(other, "/home/me/f", True)]}
    known = {"~": "/home/me", "temporary:a": "/t/a", "temporary:b": "/t/b"}
    wanted = manifest([component("a"), component("b")], known, lambda one: placed[one.name])
    todo = changes(wanted, {}, same)
    assert (todo.send, todo.problems) == ((), {"/home/me/f": "is the place of both /l and /other"})


def test_folder_that_files_names_keeps_the_bits_that_it_has_on_the_host() -> None:
    wanted = Manifest({}, {"/tmp": 0o755, "/tmp/sub": 0o755}, frozenset({"/tmp"}))
    survey = {path: Found(FOLDER | 0o777, 9) for path in ("/tmp", "/tmp/sub")}
    assert changes(wanted, survey, same).chmod == {"/tmp/sub": 0o755}
    assert changes(wanted, {}, same).chmod == {"/tmp": 0o755, "/tmp/sub": 0o755}


# -- what real programs say

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


def said_by(command: list[str], paths: list[str], separator: str) -> list[str]:
    done = subprocess.run([*command, *paths], capture_output=True, env=os.environ | {"LC_ALL": "C"})
    return os.fsdecode(done.stdout).split(separator)[:-1]


def test_answer_of_stat_is_read_whatever_the_names(awkward: dict[str, bytes], tmp_path: Path) -> None:
    paths = [*awkward, str(tmp_path), f"{tmp_path}/none"]
    survey = read_stat(said_by(["stat", "-L", "--printf", "%f %s %n\\0", "--"], paths, "\0"))
    assert survey.pop(str(tmp_path)).is_dir
    assert survey == {path: Found(FILE | 0o640, len(content)) for path, content in awkward.items()}
    assert {found.permissions for found in survey.values()} == {0o640}


def test_answer_of_openssl_is_read_whatever_the_names(awkward: dict[str, bytes], tmp_path: Path) -> None:
    paths = [*awkward, f"{tmp_path}/none"]
    hashes = read_hashes(said_by(["openssl", "dgst", "-sha1", "-r"], paths, "\n"), paths)
    assert hashes == {path: hashlib.sha1(content).hexdigest() for path, content in awkward.items()}


def test_answer_of_an_openssl_that_lets_newlines_through_makes_no_false_hash() -> None:
    lines = [f"{'a' * 40} */d/new", "line", f"{'b' * 40} */d/other"]
    assert read_hashes(lines, ["/d/new\nline", "/d/other"]) == {"/d/other": "b" * 40}


def test_local_file_is_hashed_once(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"first")
    local = LocalFile(str(path), 0o644, 5)
    sha1 = LocalHashes()
    assert sha1(local) == hashlib.sha1(b"first").hexdigest()
    path.unlink()
    assert sha1(local) == hashlib.sha1(b"first").hexdigest()
