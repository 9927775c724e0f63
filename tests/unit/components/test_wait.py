"""Check how the end of a component is read from the answer of its host."""

import pytest

from fabfile.components.wait import Ended, read_ended
from fabfile.remote.script import DONE
from rr_config import Component

COMPONENT = Component(name="a", host="h", executable="/x", start_index=1)


@pytest.mark.parametrize(
    ("answer", "expected", "words"),
    [
        ("ended a 0  3\n", Ended(COMPONENT, 0, seconds=3), "ended with exit status 0 after 3 s"),
        (
            "ended a 3  75\none\r\n\x1b[1mtwo\r\n\r\n",
            Ended(COMPONENT, 3, seconds=75, last_line="two"),
            "ended with exit status 3 after 1 min 15 s",
        ),
        ("ended a 143 stopped -1\n", Ended(COMPONENT, 143, was_stopped=True, seconds=0), "was ended by SIGTERM after 0 s"),
        ("ended a 137  \nb\nKilled\n", Ended(COMPONENT, 137, last_line="b"), "was ended by SIGKILL"),
        ("ended a 139  \nSegmentation fault (core dumped)\n", Ended(COMPONENT, 139), "was ended by SIGSEGV"),
        (
            "ended a 137  \nb\n/s/a/launcher: line 49:  4711 Killed                  sh \"$0\" exec\n",
            Ended(COMPONENT, 137, last_line="b"),
            "was ended by SIGKILL",
        ),
        ("ended a 3  \nKilled\n", Ended(COMPONENT, 3, last_line="Killed"), "ended with exit status 3"),
        ("ended a never  \n", Ended(COMPONENT, None, was_started=False), "has not been started"),
    ],
)  # fmt: skip
def test_end_is_read(answer: str, expected: Ended, words: str) -> None:
    answers = iter([answer])
    (found,) = read_ended([COMPONENT], lambda: next(answers, DONE))
    assert (found, str(found)) == (expected, words)
    assert found.failure.output == ((expected.last_line,) if expected.last_line else ())
