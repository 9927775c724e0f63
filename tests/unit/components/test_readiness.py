"""Readiness: a host's answers, and the time that it needs."""

import os
import subprocess
from pathlib import Path

import pytest

from fabfile.components.readiness import BecameReady, NotReady
from fabfile.components.start import read_started
from fabfile.remote.script import command
from rr_config import Component, util
from rr_config.ready import Ready
from tests.support.scripts import script_of


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


def test_time_counts_from_the_start(tmp_path: Path) -> None:
    """The first check of `new` comes 3 s after its start. `old` ran before; uptime is that of a container in `inner`.

    `old` was ready before, at 1000, which its next check confirms.
    """
    folders = ("new", "old", "inner")
    for folder in folders:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "status").write_text("0\n")
        (tmp_path / folder / "length").write_text("0\n")
    (tmp_path / "old/ready").write_text("1000\n")
    words = " ".join(f"{folder} t t h '' ended '' 6000" for folder in folders)
    body = f"""
cd {tmp_path}
read_clock
for folder in new old; do echo $((clock - 300)) >$folder/born; done
echo $((clock + 100000)) >inner/born
started=' new inner' ended='' awaited=' new old inner '
await_readiness {words}"""
    script = script_of(body, "readiness", output_lines=20).sent_by("me", born=5, group=1)
    done = subprocess.run(["sh", "-c", command(script)], input=script, env=os.environ, capture_output=True)
    answers = [each.decode().split() for each in done.stdout.split(b"\0") if each.startswith(b"ready ")]
    components = [Component(name=name, host="h", executable="/x", start_index=1) for name in folders]
    read = read_started(components, [" ".join(each) for each in answers])
    seconds = {each.component.name: each.seconds for each in read if isinstance(each, BecameReady)}
    assert 3 <= seconds["new"] < 60
    assert (tmp_path / "old/ready").read_text() == "1000\n" != (tmp_path / "new/ready").read_text()
    assert 0 <= seconds["old"] < 3 and 0 <= seconds["inner"] < 3
