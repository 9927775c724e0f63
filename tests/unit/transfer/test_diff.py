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
    assert changes(WANTED, inventory(found)) == Changes(["./d/f"], {}, [], {})


def test_without_a_comparison_a_folder_is_not_replaced() -> None:
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
