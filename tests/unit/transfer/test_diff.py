"""Changes that a sync has to make on a host, and those that it could not make."""

import stat

import pytest

from fabfile.transfer.diff import Changes, causes, changes, touched, unmet
from fabfile.transfer.inventory import Inventory, RemoteEntry, to_hash
from fabfile.transfer.tree import Tree, outermost
from tests.support.trees import FILE, FOLDER, LOCAL, survey_of

WANTED = Tree({"./d/f": LOCAL}, {"./d": None})
THERE = {"./d": RemoteEntry(FOLDER | 0o755, 4096)}
NOTHING = Changes([], {}, [], {})
SAME, NOT_SAME = frozenset({"./d/f"}), frozenset[str]()


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
        (
            RemoteEntry(FOLDER | 0o755, 5),
            NOT_SAME,
            Changes([], {}, [], {"./d/f": "a folder has this path on the host"}),
        ),
        (
            RemoteEntry(stat.S_IFIFO | 0o644, 5),
            NOT_SAME,
            Changes([], {}, [], {"./d/f": "a special file has this path on the host"}),
        ),
    ],
)
def test_only_changed_files_are_sent(found: RemoteEntry | None, same: frozenset[str], expected: Changes) -> None:
    assert changes(WANTED, inventory(found), same) == expected


@pytest.mark.parametrize(
    "found", [None, RemoteEntry(FILE | 0o644, 5), RemoteEntry(FILE | 0o600, 5), RemoteEntry(FILE, 9)]
)
def test_no_comparison_sends_all_files(found: RemoteEntry | None) -> None:
    assert changes(WANTED, inventory(found)) == Changes(["./d/f"], {}, [], {})


def test_no_comparison_keeps_folders() -> None:
    todo = changes(WANTED, inventory(RemoteEntry(FOLDER | 0o755, 5)))
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
def test_only_same_sizes_are_hashed(found: RemoteEntry | None, expected: list[str]) -> None:
    assert to_hash(WANTED, inventory(found)) == expected


def test_missing_parents_are_made_first() -> None:
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
def test_outermost_new_folder_is_known(folders: list[str], expected: dict[str, str]) -> None:
    assert outermost(folders) == expected


def test_file_in_place_of_folder_is_a_problem() -> None:
    wanted = Tree({"./d/f": LOCAL, "./e/f": LOCAL}, {"./d": 0o755, "./e": None})
    there = {"./d": RemoteEntry(FILE | 0o644, 5), "./e": RemoteEntry(FOLDER | 0o755, 9)}
    assert changes(wanted, survey_of(wanted, there)) == Changes(
        ["./e/f"], {}, [], {"./d": "a file has the path of this folder on the host"}
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
def test_folder_may_have_more_special_bits(bits: int, wanted: int, is_set: bool) -> None:
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
def test_own_locked_folder_is_unlocked(path: str, bits: int, unlocked: int | None) -> None:
    folders = {"./d": 0o555, "./own": None, "./named": 0o555}
    tree = Tree({f"{path}/f": LOCAL}, folders, frozenset({"./named"}))
    there = {folder: RemoteEntry(FOLDER | (bits if folder == path else 0o555), 9) for folder in folders}
    todo = changes(tree, survey_of(tree, there))
    assert todo.unlock == ({path: unlocked} if unlocked else {})
    assert todo.chmod.get(path) == {"./d": 0o555, "./named": 0o500}.get(path), "what it is to have afterwards"
    nothing_new = survey_of(tree, there | {f"{path}/f": RemoteEntry(FILE | 0o644, 5)})
    assert changes(tree, nothing_new, frozenset([f"{path}/f"])).unlock == {}


def test_listed_folder_keeps_remote_bits() -> None:
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
def test_consequences_are_not_reported(paths: list[str], expected: list[str]) -> None:
    done = Changes([], {"./there": 0o755}, [".", "./new", "/new"], {"./way": "is in the way"})
    assert causes(dict.fromkeys(paths, "why"), done) == dict.fromkeys(expected, "why")


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
def test_missing_results_are_reported(there: dict[str, RemoteEntry], missed: list[str]) -> None:
    done = Changes(["./d/f"], {}, ["./d"], {})
    part = survey_of(touched(WANTED, done), there)
    assert unmet(done, part, frozenset(["./d/f"])) == missed
    assert set(unmet(done, part, frozenset())) == {*missed, "./d/f"}, "it has another content"


def test_unset_permissions_are_reported() -> None:
    done = Changes([], {"./d/f": 0o644}, [], {})
    part = touched(WANTED, done)
    assert (list(part.files), list(part.folders)) == (["./d/f"], [])
    assert unmet(done, survey_of(part, {"./d/f": RemoteEntry(FILE | 0o600, 5)}), frozenset()) == ["./d/f"]
    assert unmet(done, survey_of(part, {"./d/f": RemoteEntry(FILE | 0o644, 5)}), frozenset()) == []
