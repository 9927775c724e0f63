"""Readiness, read from a host's answers."""

import pytest

from fabfile.components.readiness import BecameReady, NotReady
from fabfile.components.start import read_started
from rr_config import Component, util
from rr_config.ready import Ready


@pytest.mark.parametrize(
    ("ready", "answer", "outcome"),
    [
        (util.port(80), "ready a 1234", ("", 12.34)),
        (util.port(80), "unready a taken ", ("port 80 is already in use on the host", ())),
        (util.port(80, 5), "unready a late \nx\ry\n\x1b[1mz\n", ("was not ready within 5 s: port 80", ("y", "z"))),
        (util.log("up"), "unready a 3 \n", ("ended with exit status 3 before it was ready: log up", ())),
        (util.log("up"), "unready a 139 \n", ("was ended by SIGSEGV before it was ready: log up", ())),
        (util.log("up"), "unready a killed \n=== x\n", ("was killed before it was ready: log up", ("=== x",))),
        (util.log("up"), "unready a unusable \n", ("grep -P on the host rejects the regular expression: log up", ())),
        (
            util.command("c", 1),
            "unready a late 7 no\n",
            ("command c; its last check ended with exit status 7: no", ()),
        ),
        (util.command("c", 1), "unready a late running \n", ("command c; its last check had not ended", ())),
    ],
)
def test_answers_are_read(ready: Ready, answer: str, outcome: tuple[str, object]) -> None:
    component = Component(name="a", host="h", executable="/x", start_index=1, ready=ready)
    (read,) = read_started([component], [answer])
    if isinstance(read, BecameReady):
        assert outcome == ("", read.seconds)
    else:
        assert isinstance(read, NotReady)
        assert outcome[0] in read.reason and read.output == outcome[1]
