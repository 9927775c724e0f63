"""What has to be sent, set and made; and what real `stat` and `openssl` say, read back."""

import contextlib
import hashlib
import os
import stat
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fabfile.transfer.checksums import LocalHashes
from fabfile.transfer.diff import Changes, causes, changes, touched, unmet
from fabfile.transfer.inventory import Inventory, RemoteEntry, hash_line, read_inventory, read_stat, to_hash
from fabfile.transfer.tree import Tree, Trees, conflicts, first_copies, locate, outermost, split
from fabfile.util.lazy import call_once
from rr_config import Component
from rr_config.local_files import LocalFile, Placed

FILE, FOLDER = stat.S_IFREG, stat.S_IFDIR
LOCAL = LocalFile("/l", 0o644, 5)
OTHER = LocalFile("/other", 0o644, 7)
WANTED = Tree({"./d/f": LOCAL}, {"./d": None})
THERE = {"./d": RemoteEntry(FOLDER | 0o755, 4096)}
NOTHING = Changes([], {}, [], {})
SAME, NOT_SAME = frozenset({"./d/f"}), frozenset[str]()


def component(name: str = "a", base_dir: str | None = None, **files: str) -> Component:
    return Component(name=name, base_dir=base_dir, files=files, host="h", executable="x", start_index=1)


def record(found: RemoteEntry, path: str) -> bytes:
    """As `stat` says it."""
    return f"{found.mode:x} {found.size} ".encode() + os.fsencode(path)


def survey_of(tree: Tree, there: dict[str, RemoteEntry]) -> Inventory:
    """The inventory of a host that has `there`."""
    return read_inventory(tree, [record(there[path], path) for path in (*tree.files, *tree.folders) if path in there])


def inventory(found: RemoteEntry | None) -> Inventory:
    """The inventory of a host that has the folder of WANTED, and `found` in it."""
    return survey_of(WANTED, THERE | ({"./d/f": found} if found else {}))


# -- changes


@pytest.mark.parametrize(
    ("found", "same", "expected"),
    [
        (None, NOT_SAME, Changes(["./d/f"], {}, [], {})),
        (RemoteEntry(FILE | 0o644, 4), NOT_SAME, Changes(["./d/f"], {}, [], {})),
        (RemoteEntry(FILE | 0o600, 6), NOT_SAME, Changes(["./d/f"], {}, [], {})),
        (RemoteEntry(FILE | 0o644, 5), NOT_SAME, Changes(["./d/f"], {}, [], {})),
        (RemoteEntry(FILE | 0o644, 5), SAME, NOTHING),
        (RemoteEntry(FILE | 0o755, 5), SAME, Changes([], {"./d/f": 0o644}, [], {})),
        (RemoteEntry(FILE | 0o755, 5), NOT_SAME, Changes(["./d/f"], {}, [], {})),
        (RemoteEntry(FILE | 0o4644, 5), SAME, Changes([], {"./d/f": 0o644}, [], {})),
        (RemoteEntry(FOLDER | 0o755, 5), NOT_SAME, Changes([], {}, [], {"./d/f": "a folder is in its place"})),
        (
            RemoteEntry(stat.S_IFIFO | 0o644, 5),
            NOT_SAME,
            Changes([], {}, [], {"./d/f": "what is in its place is no regular file"}),
        ),
    ],
)
def test_file_is_sent_or_set_only_where_it_differs(
    found: RemoteEntry | None, same: frozenset[str], expected: Changes
) -> None:
    assert changes(WANTED, inventory(found), same) == expected


@pytest.mark.parametrize(
    "found", [None, RemoteEntry(FILE | 0o644, 5), RemoteEntry(FILE | 0o600, 5), RemoteEntry(FILE, 9)]
)
def test_without_a_comparison_every_file_is_sent(found: RemoteEntry | None) -> None:
    assert changes(WANTED, inventory(found), None) == Changes(["./d/f"], {}, [], {})


def test_without_a_comparison_a_folder_is_not_replaced() -> None:
    todo = changes(WANTED, inventory(RemoteEntry(FOLDER | 0o755, 5)), None)
    assert (todo.send, list(todo.problems)) == ([], ["./d/f"])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, []),
        (RemoteEntry(FILE | 0o644, 5), ["./d/f"]),
        (RemoteEntry(FILE | 0o600, 5), ["./d/f"]),
        (RemoteEntry(FILE | 0o600, 4), []),
        (RemoteEntry(FOLDER | 0o755, 5), []),
        (RemoteEntry(stat.S_IFIFO | 0o644, 5), []),
    ],
)
def test_only_regular_files_of_the_same_size_are_hashed(found: RemoteEntry | None, expected: list[str]) -> None:
    assert to_hash(WANTED, inventory(found)) == expected


def test_missing_folders_are_made_those_above_first() -> None:
    wanted = Tree({}, {"./d/e/f": None, "./d": None, "./d/e": 0o750})
    todo = changes(wanted, survey_of(wanted, {}))
    assert todo.make == ["./d", "./d/e", "./d/e/f"]
    assert todo.chmod == {"./d/e": 0o750}


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (["./d", "./d/e", "./d/e/f"], {"./d": "./d", "./d/e": "./d", "./d/e/f": "./d"}),
        (["./d", "./d/e/f", "./dd"], {"./d": "./d", "./d/e/f": "./d", "./dd": "./dd"}),
        (["./d-", "./d/e", "./d/e/f"], {"./d-": "./d-", "./d/e": "./d/e", "./d/e/f": "./d/e"}),
        (["/a", "/a/b", "/c/d"], {"/a": "/a", "/a/b": "/a", "/c/d": "/c/d"}),
    ],
)
def test_new_folders_are_known_by_the_outermost_new_one(folders: list[str], expected: dict[str, str]) -> None:
    assert outermost(folders) == expected


def test_file_in_the_place_of_a_folder_is_a_problem_and_harms_no_other() -> None:
    wanted = Tree({"./d/f": LOCAL, "./e/f": LOCAL}, {"./d": 0o755, "./e": None})
    there = {"./d": RemoteEntry(FILE | 0o644, 5), "./e": RemoteEntry(FOLDER | 0o755, 9)}
    assert changes(wanted, survey_of(wanted, there)) == Changes(
        ["./e/f"], {}, [], {"./d": "a file is in the place of this folder"}
    )


@pytest.mark.parametrize(
    ("bits", "wanted", "is_set"),
    [
        (0o755, 0o755, False),
        (0o2755, 0o755, False),
        (0o1777, 0o777, False),
        (0o777, 0o1777, True),
        (0o775, 0o2775, True),
        (0o700, 0o755, True),
    ],
)
def test_folder_may_have_more_special_bits_than_wanted(bits: int, wanted: int, is_set: bool) -> None:
    tree = Tree({}, {"./d": wanted})
    todo = changes(tree, survey_of(tree, {"./d": RemoteEntry(FOLDER | bits, 9)}))
    assert todo.chmod == ({"./d": wanted} if is_set else {})


@pytest.mark.parametrize(
    ("path", "bits", "unlocked"),
    [
        ("./d", 0o555, 0o755),
        ("./d", 0o755, None),
        ("./d", 0o700, None),
        ("./own", 0o555, None),
        ("./named", 0o500, 0o700),
    ],
)
def test_folder_that_its_owner_may_not_write_to_is_unlocked_if_it_is_ours(
    path: str, bits: int, unlocked: int | None
) -> None:
    folders = {"./d": 0o555, "./own": None, "./named": 0o555}
    tree = Tree({f"{path}/f": LOCAL}, folders, frozenset({"./named"}))
    there = {folder: RemoteEntry(FOLDER | (bits if folder == path else 0o555), 9) for folder in folders}
    todo = changes(tree, survey_of(tree, there))
    assert todo.unlock == ({path: unlocked} if unlocked else {})
    assert todo.chmod.get(path) == {"./d": 0o555, "./named": 0o500}.get(path), "what it is to have afterwards"
    nothing_new = survey_of(tree, there | {f"{path}/f": RemoteEntry(FILE | 0o644, 5)})
    assert changes(tree, nothing_new, frozenset([f"{path}/f"])).unlock == {}


def test_folder_that_files_names_keeps_the_bits_that_it_has_on_the_host() -> None:
    wanted = Tree({}, {"/tmp": 0o755, "/tmp/sub": 0o755}, frozenset({"/tmp"}))
    there = {path: RemoteEntry(FOLDER | 0o707, 9) for path in ("/tmp", "/tmp/sub")}
    assert changes(wanted, survey_of(wanted, there)).chmod == {"/tmp/sub": 0o755}
    assert changes(wanted, survey_of(wanted, {})).chmod == {"/tmp": 0o755, "/tmp/sub": 0o755}


# -- what came of it


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["./new", "./new/f", "./new/d/g", "./other"], ["./new", "./other"]),
        (["./way", "./way/f", "./new-er"], ["./way", "./new-er"]),
        (["./there", "./there/f"], ["./there", "./there/f"]),  # its permissions, say: f has a reason of its own
        (["./new/f", "./new/g"], ["./new/f", "./new/g"]),
        (["/new", "/new/f"], ["/new"]),
        ([".", "./f"], ["."]),
    ],
)
def test_what_follows_from_a_folder_that_could_not_be_made_is_not_named(paths: list[str], expected: list[str]) -> None:
    todo = {"~": Changes([], {"./there": 0o755}, [".", "./new", "/new"], {"./way": "is in the way"})}
    found = causes({("~", path): "why" for path in paths} | {("/", "./new/f"): "why"}, todo)
    assert found == {("~", path): "why" for path in expected} | {("/", "./new/f"): "why"}


@pytest.mark.parametrize(
    ("there", "missed"),
    [
        ({"./d": RemoteEntry(FOLDER | 0o755, 9), "./d/f": RemoteEntry(FILE | 0o644, 5)}, []),
        ({"./d": RemoteEntry(FOLDER | 0o755, 9)}, ["./d/f"]),
        ({"./d": RemoteEntry(FOLDER | 0o755, 9), "./d/f": RemoteEntry(FILE | 0o644, 4)}, ["./d/f"]),
        ({"./d": RemoteEntry(FOLDER | 0o755, 9), "./d/f": RemoteEntry(FILE | 0o600, 5)}, ["./d/f"]),
        ({"./d": RemoteEntry(FILE | 0o755, 9)}, ["./d", "./d/f"]),
        ({}, ["./d", "./d/f"]),
    ],
)
def test_what_was_to_be_done_and_is_not_there_afterwards_is_named(
    there: dict[str, RemoteEntry], missed: list[str]
) -> None:
    done = Changes(["./d/f"], {}, ["./d"], {})
    part = survey_of(touched(WANTED, done), there)
    assert unmet(done, part, frozenset(["./d/f"])) == missed
    assert set(unmet(done, part, frozenset())) == {*missed, "./d/f"}, "it has another content"


def test_permissions_that_could_not_be_set_are_named() -> None:
    done = Changes([], {"./d/f": 0o644}, [], {})
    part = touched(WANTED, done)
    assert (list(part.files), list(part.folders)) == (["./d/f"], [])
    assert unmet(done, survey_of(part, {"./d/f": RemoteEntry(FILE | 0o600, 5)}), frozenset()) == ["./d/f"]
    assert unmet(done, survey_of(part, {"./d/f": RemoteEntry(FILE | 0o644, 5)}), frozenset()) == []


# -- content for several places


@pytest.mark.parametrize(
    ("files", "hashes", "expected"),
    [
        ([LocalFile("/a", 0o644, 5)] * 3, {}, {1: 0, 2: 0}),
        ([LocalFile("/a", 0o644, 5), LocalFile("/b", 0o644, 5)], {"a": "x", "b": "x"}, {1: 0}),
        ([LocalFile("/a", 0o644, 5), LocalFile("/b", 0o644, 5)], {"a": "x", "b": "y"}, {}),
        ([LocalFile("/a", 0o644, 5), LocalFile("/b", 0o755, 5)], {}, {}),
        ([LocalFile("/a", 0o644, 5), LocalFile("/b", 0o644, 6)], {}, {}),
        ([LocalFile("/a", 0o644, 0)] * 2, {}, {}),
        ([LocalFile("/a", 0o044, 5)] * 2, {}, {}),
    ],
)
def test_same_content_is_sent_once(files: list[LocalFile], hashes: dict[str, str], expected: dict[int, int]) -> None:
    places = [(("/", f"/{number}"), local) for number, local in enumerate(files)]
    found = first_copies(places, lambda local: hashes[local.path.removeprefix("/")])
    assert found == {("/", f"/{one}"): ("/", f"/{other}") for one, other in expected.items()}


# -- where things are


@pytest.mark.parametrize(
    ("path", "root", "below", "located"),
    [
        ("/x/y", "/", "/x/y", "/x/y"),
        ("/", "/", "/", "/"),
        ("~", "~", ".", "/home/me"),
        ("~/x y", "~", "./x y", "/home/me/x y"),
        ("~root/x", "~root", "./x", "/root/x"),
        ("f", "temporary", "./f", "/tmp/t/f"),
        (".", "temporary", ".", "/tmp/t"),
        ("./~f", "temporary", "././~f", "/tmp/t/~f"),
        ("a/~", "temporary", "./a/~", "/tmp/t/a/~"),
        ("../f", "temporary", "./../f", "/tmp/f"),
        ("~/../you", "~", "./../you", "/home/you"),
        ("~/-n", "~", "./-n", "/home/me/-n"),
    ],
)
def test_paths_are_split_into_root_and_path_and_located(path: str, root: str, below: str, located: str) -> None:
    known = {"/": "/", "~": "/home/me", "~root": "/root", "temporary": "/tmp/t"}
    assert split(path) == (root, below)
    assert os.path.normpath(locate(known[root], below)) == located


def test_trees_are_those_of_the_roots_that_components_use() -> None:
    components = [component("a", x="f"), component("b", "~/w", x="~root/f"), component("c", "/w", x="/f")]
    trees = Trees(lambda one: [Placed(LOCAL, next(iter(one.files.values())), True)]).of(components)
    assert {root: sorted(tree.files) for root, tree in trees.items()} == {
        "temporary:a": ["./f"],
        "~": [],
        "~root": ["./f"],
        "/": ["/f"],
    }


def test_tree_has_files_and_the_folders_that_they_need() -> None:
    folder = LocalFile("/l/tree", 0o750, 0, is_dir=True)
    placed = [
        Placed(folder, "/w/tree", True),
        Placed(LOCAL, "/w/tree/f", False),
        Placed(LOCAL, "/elsewhere/deep/g", True),
    ]
    tree = Trees(lambda _: placed).of([component("a", "/w")])["/"]
    assert tree.files == {"/w/tree/f": LOCAL, "/elsewhere/deep/g": LOCAL}
    assert tree.folders == {"/w": None, "/w/tree": 0o750, "/elsewhere/deep": None}
    assert tree.entered == {"/w/tree"}


def test_component_without_files_has_its_base_dir() -> None:
    trees = Trees(lambda _: []).of([component("a"), component("b", "~/w")])
    assert {root: (tree.files, tree.folders) for root, tree in trees.items()} == {
        "temporary:a": ({}, {".": None}),
        "~": ({}, {"./w": None}),
    }


def test_hosts_and_components_that_should_have_the_same_share_a_tree() -> None:
    trees = Trees(lambda _: [Placed(LOCAL, "f", True)])
    one = trees.of([component("a", x="f"), component("b", x="f")])
    other = trees.of([component("c", x="f")])
    assert one["temporary:a"] is one["temporary:b"] is other["temporary:c"]


def test_two_files_that_only_the_host_knows_to_meet_are_a_problem_and_neither_is_sent() -> None:
    trees = {"~": Tree({"./f": LOCAL, "./g": LOCAL}), "/": Tree({"/home/me/f": OTHER, "/home/me/g": LOCAL})}
    taken = conflicts(trees, {"~": "/home/me", "/": "/"})
    reason = "is the place of both /l and /other"
    assert taken == {"~": {"./f": reason}, "/": {"/home/me/f": reason}}
    todo = changes(trees["~"], survey_of(trees["~"], {}), None, taken["~"])
    assert (todo.send, todo.problems) == (["./g"], {"./f": reason})


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


def said_by(command: list[str], paths: list[str], separator: bytes) -> list[bytes]:
    done = subprocess.run([*command, *paths], capture_output=True, env=os.environ | {"LC_ALL": "C"})
    return done.stdout.split(separator)[:-1]


def test_answer_of_stat_is_read_whatever_the_names(awkward: dict[str, bytes], tmp_path: Path) -> None:
    paths = [*awkward, str(tmp_path), f"{tmp_path}/none"]
    answers = said_by(["stat", "-L", "--printf", "%f %s %n\\0", "--"], paths, b"\0")
    found = read_stat(answers)
    assert found.pop(str(tmp_path)).is_dir
    assert found == {path: RemoteEntry(FILE | 0o640, len(content)) for path, content in awkward.items()}
    tree = Tree({path: LocalFile("/l", 0o640, len(content)) for path, content in awkward.items()})
    assert read_inventory(tree, answers).differing == {}
    assert read_inventory(tree, answers[1:]).differing == {next(iter(awkward)): None}


def test_answer_of_openssl_is_foreseen_whatever_the_names(awkward: dict[str, bytes], tmp_path: Path) -> None:
    answers = said_by(["openssl", "dgst", "-sha1", "-r"], [*awkward, f"{tmp_path}/none"], b"\n")
    assert answers == [hash_line(path, hashlib.sha1(content).hexdigest()) for path, content in awkward.items()]


@pytest.mark.parametrize(
    ("content", "pieces"),
    [(b"", [b""]), (b"abc", [b"abc"]), (b"abcdefgh", [b"abcd", b"efgh"]), (b"abcdefghi", [b"abcd", b"efgh", b"i"])],
)
def test_large_file_is_hashed_by_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, pieces: list[bytes]
) -> None:
    monkeypatch.setattr("fabfile.content.PIECE", 4)
    monkeypatch.setattr("fabfile.content.BLOCK", 3)
    (tmp_path / "f").write_bytes(content)
    found = LocalHashes()(LocalFile(str(tmp_path / "f"), 0o644, len(content)))
    assert list(found) == [hashlib.sha1(piece).hexdigest() for piece in pieces]


def test_local_file_is_hashed_once(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"first")
    local = LocalFile(str(path), 0o644, 5)
    sha1 = LocalHashes()
    assert sha1(local) == (hashlib.sha1(b"first").hexdigest(),)
    path.unlink()
    assert sha1(local) == (hashlib.sha1(b"first").hexdigest(),)


def test_hosts_that_should_have_the_same_share_what_is_hashed_also_where_they_have_other_parts_of_it(
    tmp_path: Path,
) -> None:
    for name in ("f", "g"):
        (tmp_path / name).write_text(name)
    tree = Tree({f"./{name}": LocalFile(str(tmp_path / name), 0o644, 1) for name in ("f", "g")})
    hashes = LocalHashes()
    expected = {f"./{name}": hash_line(f"./{name}", hashlib.sha1(name.encode()).hexdigest()) for name in ("f", "g")}
    assert hashes.lines(tree, ["./f"])["./f"] == expected["./f"]
    (tmp_path / "f").unlink()
    assert hashes.lines(tree, ["./f", "./g"]) == expected


def test_what_several_threads_want_is_made_once() -> None:
    calls: list[int] = []
    begun, two_in_it = threading.Barrier(8), threading.Barrier(2)

    def make() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise OSError
        with contextlib.suppress(threading.BrokenBarrierError):
            two_in_it.wait(timeout=0.3)  # as long as another one has to come in
        return 5

    get = call_once(make)

    def want(_: int) -> int:
        begun.wait(timeout=10)
        return get()

    with pytest.raises(OSError, match=r"^$"):
        get()
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(want, range(8))) == [5] * 8
    assert len(calls) == 2
