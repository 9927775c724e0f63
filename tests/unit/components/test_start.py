"""Start order, and the reasons that hosts give for a component that did not start."""

import pytest

from fabfile.components import start
from rr_config import Component


def component(executable: str, *args: str, base_dir: str | None = "/", name: str = "a") -> Component:
    return Component(name=name, executable=executable, args=list(args), base_dir=base_dir, host="h", start_index=1)


def test_answers_are_read_in_order() -> None:
    components = [component("x", name=name) for name in ("a", "b c", "d")]
    answers = ["started b=20c 12", "failed a 127 sh: 1: exec: /x: not found\n", "running d 14"]
    assert list(start.read_started(components, answers)) == [
        start.Started(components[1], 12),
        start.NotStarted(components[0], 127, "sh: 1: exec: /x: not found\n"),
        start.Started(components[2], 14, was_running=True),
    ]


@pytest.mark.parametrize(
    ("status", "words", "reason"),
    [
        (
            127,
            "x\nsh: 1: exec: /x: not found\n\n",
            "could not be started (exit status 127): sh: 1: exec: /x: not found",
        ),
        (127, "", "could not be started (exit status 127): no output"),
        (126, " \n", "could not be started (exit status 126): no output"),
        (127, "/s/launcher: 8: exec: /x: not found\n", "could not be started (exit status 127): /x: not found"),
        (127, "/a b/launcher: line 8: /x: none\n", "could not be started (exit status 127): /x: none"),
        (None, "", "screen opened no window; the session may have too many windows, or the host no free terminals"),
    ],
)
def test_reason_has_words_of_program(status: int | None, words: str, reason: str) -> None:
    assert start.NotStarted(component("x"), status, words).reason == reason


@pytest.mark.parametrize(
    ("executable", "status", "is_hinted"),
    [("/opt/prog -x", 127, True), ("/opt/a\tb", 127, True), ("/opt/prog", 127, False), ("/opt/my prog", 126, False)],
)
def test_missing_program_with_space_has_hint(executable: str, status: int, is_hinted: bool) -> None:
    reason = start.NotStarted(component(executable), status, "x: not found").reason
    assert reason.endswith("not found; arguments belong in args, not in executable") == is_hinted


def test_start_indices_ascend() -> None:
    components = [
        Component(name=name, start_index=index) for name, index in zip("abcde", (10, -1, 2, 10, 2), strict=True)
    ]
    found = [(index, [c.name for c in cs]) for index, cs in start.in_order(components)]
    assert found == [(-1, ["b"]), (2, ["c", "e"]), (10, ["a", "d"])]
