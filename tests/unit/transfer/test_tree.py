"""Trees of files: roots, paths in them, and content that has several places."""

import os

import pytest

from fabfile.transfer.diff import changes
from fabfile.transfer.tree import Tree, Trees, conflicts, first_copies, locate, split
from rr_config import Component
from rr_config.local_files import LocalFile, Placed
from tests.support.trees import LOCAL, survey_of

OTHER = LocalFile("/other", 0o644, 7)


def component(name: str = "a", base_dir: str | None = None, **files: str) -> Component:
    return Component(name=name, base_dir=base_dir, files=files, host="h", executable="x", start_index=1)


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
def test_paths_have_a_root(path: str, root: str, below: str, located: str) -> None:
    known = {"/": "/", "~": "/home/me", "~root": "/root", "temporary": "/tmp/t"}
    assert split(path) == (root, below)
    assert os.path.normpath(locate(known[root], below)) == located


def test_trees_follow_used_roots() -> None:
    components = [component("a", x="f"), component("b", "~/w", x="~root/f"), component("c", "/w", x="/f")]
    trees = Trees(lambda one: [Placed(LOCAL, next(iter(one.files.values())), True)]).of(components)
    assert {root: sorted(tree.files) for root, tree in trees.items()} == {
        "temporary:a": ["./f"],
        "~": [],
        "~root": ["./f"],
        "/": ["/f"],
    }


def test_tree_has_files_and_folders() -> None:
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


def test_component_without_files_has_base_dir() -> None:
    trees = Trees(lambda _: []).of([component("a"), component("b", "~/w")])
    assert {root: (tree.files, tree.folders) for root, tree in trees.items()} == {
        "temporary:a": ({}, {".": None}),
        "~": ({}, {"./w": None}),
    }


def test_equal_trees_are_shared() -> None:
    trees = Trees(lambda _: [Placed(LOCAL, "f", True)])
    one = trees.of([component("a", x="f"), component("b", x="f")])
    other = trees.of([component("c", x="f")])
    assert one["temporary:a"] is one["temporary:b"] is other["temporary:c"]


def test_meeting_paths_are_a_problem() -> None:
    trees = {"~": Tree({"./f": LOCAL, "./g": LOCAL}), "/": Tree({"/home/me/f": OTHER, "/home/me/g": LOCAL})}
    taken = conflicts(trees, {"~": "/home/me", "/": "/"})
    reason = "is the place of both /l and /other"
    assert taken == {"~": {"./f": reason}, "/": {"/home/me/f": reason}}
    todo = changes(trees["~"], survey_of(trees["~"], {}), None, taken["~"])
    assert (todo.send, todo.problems) == (["./g"], {"./f": reason})
