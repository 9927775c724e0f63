"""Reasons for problems, from the error lines of programs on a host."""

import pytest

from fabfile.transfer.protocol.reasons import ErrorLines, reason_of_sync

STAGING = ".remote-runner-s@m-1-2"
TAR = f"tar: ./d/{STAGING}/%s: Cannot open: %s"


def reason(path: str, *lines: str) -> str | None:
    errors = ErrorLines(line.replace(f"/{STAGING}/", "/") for line in lines)
    return reason_of_sync(errors, path, "/home/me", STAGING)


def test_reason_is_not_of_a_longer_path() -> None:
    lines = (TAR % ("f2", "Is a directory"), TAR % ("f", "File exists"))
    assert reason("./d/f", *lines) == "file exists"
    assert reason("./d/f2", *lines) == "is a directory"


@pytest.mark.parametrize(
    "line",
    [
        TAR % ("f", "Denied"),
        "mv: cannot move './f' to '../f': Denied",
        "mkdir: cannot create directory './d/f/.': Denied",
        f"dd: failed to open './d/{STAGING}/f': Denied",
        f"cp: cannot create regular file '/home/me/d/{STAGING}/f': Denied",
        "chmod: changing permissions of './d': Denied",
        f"mkdir: cannot create directory '/home/me/d/{STAGING}': Denied",
        'chmod: cannot access "./d/f": Denied',
        "./d/f: Denied",
    ],
)
def test_line_is_about_a_path_or_a_folder_above_it(line: str) -> None:
    assert reason("./d/f", "tar: ./d/f2: Other", "mkdir: './d/f/g': Other", line) == "denied"


def test_collected_file_has_its_own_reason() -> None:
    errors = ErrorLines(["tar: ./out.csv: File removed before we read it", "tar: ./out: Cannot open: Denied"])
    assert errors.reason(["./out"]) == "denied"
    assert errors.reason(["./ou"]) is None


def test_first_error_is_the_cause_of_others() -> None:
    folder = f"mkdir: cannot create directory '/home/me/d/{STAGING}': Denied"
    assert reason("./d/f", folder, TAR % ("f", "No such file or directory")) == "denied"
    full = f"/home/me/d/{STAGING}: no space left on device"
    assert reason("./d/f", full, f"tar: ./d/{STAGING}/f: Wrote only 1 of 2 bytes") == "no space left on device"


def test_path_gets_reason_of_its_folder() -> None:
    lines = ("tar: ./e/f: Other", TAR % (r"\303\274", "Denied"), "tar: it failed")
    assert reason("./d/ü", *lines) == "denied"
    assert reason("/e/f", *lines) == "could not be written"
