"""The folder of a component in the state directory: safe in every shell, and one for each name."""

import pytest

from fabfile.remote import shell, state_dir
from tests.support.awkward import AWKWARD


@pytest.mark.parametrize(
    ("name", "folder"),
    [("worker-1", "worker-1"), ("a.b_C", "a.b_C"), ("a b", "a=20b"), ("a/b", "a=2Fb"), ("é", "=C3=A9"), ("=", "=3D")],
)
def test_plain_name_is_its_folder(name: str, folder: str) -> None:
    assert state_dir.folder(name) == folder


NAMES = [
    *AWKWARD,
    *(text + "x" for text in AWKWARD),
    *["a", "A", "a=20b", "a b", "a+b", ".", "..", "=2E", ".hidden", "-", "-x", "--", "x" * 199, "x" * 200, "x" * 201],
    *["x" * 200 + "y", "x" * 200 + "z", "é" * 100, "é" * 101, "/", "//", "../x", "launcher", "base_dir"],
]  # fmt: skip


@pytest.mark.parametrize("name", sorted(set(NAMES) - {""}, key=ascii), ids=lambda name: ascii(name)[:30])
def test_folder_name_is_safe(name: str) -> None:
    folder = state_dir.folder(name)
    assert shell.quote(folder) in (folder, f"'{folder}'")
    assert folder.isascii()
    assert set(folder) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-=")
    assert not folder.startswith((".", "-"))  # neither hidden, nor taken for an option
    assert 0 < len(folder) <= 200


def test_different_names_differ_in_folder() -> None:
    names = set(NAMES)
    assert len({state_dir.folder(name) for name in names}) == len(names)


def test_long_name_collides_with_no_other() -> None:
    """A space is `=20`, so a short name could be chosen to fit a hash that begins with 20."""
    longs = (f"{'x' * 300}{number}" for number in range(100_000))
    long = next(name for name in longs if state_dir.folder(name)[160:].removeprefix("=").startswith("20"))
    folder = state_dir.folder(long)
    digits = folder[folder.rindex("=") + 3 :]
    assert state_dir.folder(f"{'x' * 159} {digits}") != folder
