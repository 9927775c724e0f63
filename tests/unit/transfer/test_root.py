"""Roots of a host: content that has several places, and roots that overlap."""

import pytest

from fabfile.transfer.root import Root, find_conflicts, first_copies
from fabfile.transfer.tree import Tree
from rr_config.files.local_files import LocalFile
from tests.support.trees import LOCAL, survey_of

OTHER = LocalFile("/other", 0o644, 7)


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
    root = Root("/", Tree())
    places = [((root, f"/{number}"), local) for number, local in enumerate(files)]
    found = first_copies(places, lambda local: hashes[local.path.removeprefix("/")])
    assert found == {(root, f"/{one}"): (root, f"/{other}") for one, other in expected.items()}


def test_meeting_paths_are_a_problem() -> None:
    home = Root("~", Tree({"./f": LOCAL, "./g": LOCAL}), "/home/me")
    top = Root("/", Tree({"/home/me/f": OTHER, "/home/me/g": LOCAL}), "/")
    find_conflicts([home, top])
    reason = "duplicate target of /l and /other"
    assert (home.conflicts, top.conflicts) == ({"./f": reason}, {"/home/me/f": reason})
    home.inventory = survey_of(home.tree, {})
    home.find_changes()
    assert (home.changes.send, home.problems) == (["./g"], {"./f": reason})
