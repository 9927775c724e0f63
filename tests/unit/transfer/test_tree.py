"""Trees of files: roots, and paths in them."""

import os

import pytest

from fabfile.transfer.tree import Trees, locate, split
from rr_config import Component
from rr_config.files.local_files import LocalFile, Placed
from tests.support.trees import LOCAL


def component(name: str = "a", base_dir: str | None = None, **files: str) -> Component:
    return Component(name=name, base_dir=base_dir, files=files, host="h", executable="x", start_index=1)


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
