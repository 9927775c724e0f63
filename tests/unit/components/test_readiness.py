"""Readiness: a host's answers, and the time that it needs."""

import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from fabfile.components.output.logs import rendered
from fabfile.components.readiness import BecameReady, NotReady
from fabfile.components.start import read_started
from fabfile.remote.script import command, read_script
from rr_config import Component, util
from rr_config.values.ready import Ready
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
    """The first check comes 3 s after the start of `new`. That of `slow` takes 0.3 s, because it has no `length` yet.

    `old` ran before, and was ready at 1000, which its next check confirms. Uptime is that of a container in `inner`.
    """
    folders = ("slow", "new", "old", "inner")
    for folder in folders:
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "status").write_text("0\n")
        if folder != "slow":
            (tmp_path / folder / "length").write_text("0\n")
    (tmp_path / "old/ready").write_text("1000\n")
    words = " ".join(f"{folder} t t h '' ended '' 6000" for folder in folders)
    body = f"""
cd {tmp_path}
read_clock
for folder in new old; do echo $((clock - 300)) >$folder/begun; done
echo $((clock + 100000)) >inner/begun
started=' new inner' ended='' following='' awaited=' slow new old inner '
await_readiness {words}"""
    script = script_of(body, "readiness", output_lines=20).sent_by("me", born=5, group=1)
    done = subprocess.run(["sh", "-c", command(script)], input=script, env=os.environ, capture_output=True)
    answers = [each.decode().split() for each in done.stdout.split(b"\0") if each.startswith(b"ready ")]
    components = [Component(name=name, host="h", executable="/x", start_index=1) for name in folders]
    read = read_started(components, [" ".join(each) for each in answers])
    seconds = {each.component.name: each.seconds for each in read if isinstance(each, BecameReady)}
    assert 3.3 <= seconds["new"] < 60
    assert (tmp_path / "old/ready").read_text() == "1000\n" != (tmp_path / "new/ready").read_text()
    assert 0 <= seconds["old"] < 3 and 0 <= seconds["inner"] < 3


def test_timeout_counts_from_the_start(tmp_path: Path) -> None:
    """All began 30 s before the first check, and this command has started each but `old`."""
    kinds = {"late": "port FFFF 3000", "daemon": "port FFFF 3000", "old": "port FFFF 3000", "soon": "port FFFF 3200"}
    kinds["checked"] = "command x 3000"  # it gets one check, however late
    for folder in kinds:
        (tmp_path / folder).mkdir()
    words = " ".join(f"{folder} t t h '' {kind}" for folder, kind in kinds.items())
    body = f"""
cd {tmp_path}
state=$PWD own_umask=077
launcher_runs() {{ :; }}
read_clock
for folder in {" ".join(kinds)}; do echo $((clock - 3000)) >$folder/begun; done
echo "$clock" >daemon/born
echo 'echo "$1" >~/argument; exit 7' >checked/launcher
started=' late soon checked' ended='' following=' daemon' awaited=' {" ".join(kinds)} '
HOME=$PWD await_readiness {words}"""
    script = script_of(body, "readiness", output_lines=20).sent_by("me", born=5, group=1)
    with subprocess.Popen(["sh", "-c", command(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        process.stdin.write(script)
        process.stdin.flush()
        answered = ""
        began = time.monotonic()
        try:
            while "soon" not in answered:
                answered += os.read(process.stdout.fileno(), 1000).decode()
            took = time.monotonic() - began
        finally:
            process.kill()
    assert took > 1.5 and "unready old" not in answered
    assert {"late", "daemon", "checked"} == {name for name in kinds if f"unready {name} late" in answered} - {"soon"}
    assert "unready checked late 7" in answered


PIECES = [
    b"\x1b[32m",
    b"\x1b(B",
    b"\x1b[m",
    b"\r",
    b"\b",
    b"\x1b[K",
    b"\x1b[0K",
    b"\x1b[2K",
    b"\x1b",
    b"[",
    b"]",
    b"0;t",
    b"\x07",
]
PIECES += [
    b"\x1b\\",
    b"\xc2\x9b",
    b"\xc2\x9d",
    b"\xc2\x9c",
    b"a",
    b"bc",
    b" ",
    b"\t",
    b"\x00",
    b"\x01",
    b"\x02",
    b"\x03",
    b"K",
]
PIECES += [
    "ö".encode(),
    "日本".encode(),
    "😀".encode(),
    b"\xff",
    b"\xe2",
    b"\x82",
    b"\xf0\x9f",
    b"\xed\xa0\x80",
    b"\xc0",
    b"\x7f",
]
PIECES += [
    b"\xe2\x80\xae",
    b"\xe2\x81\xa6",
    b"\xe0\x80",
    b"\xf4\x90",
    b"\x0b",
    b"\x1bM",
    b"\\",
    b"\x85",
    b"\xc2\x85",
    b"\xc2\xa0",
    b"0",
    b"2",
]


@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_hosts_show_lines_as_logs_does(sh: str) -> None:
    chosen = random.Random(7)
    lines = [b"".join(chosen.choices(PIECES, k=chosen.randint(0, 9))) for _ in range(3000)]
    script = read_script("shown_lines.sh") + "show_lines\n"
    done = subprocess.run([sh, "-c", script], input=b"\n".join(lines), capture_output=True, check=True)
    shown = done.stdout.removesuffix(b"\n").split(b"\n")
    assert [(line, got) for line, got in zip(lines, shown, strict=True) if rendered(line) != got] == []


def test_only_new_output_is_read(tmp_path: Path) -> None:
    """The bytes that each look reads, by /proc/PID/io, and what it finds."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/output").write_bytes(b"2026-01-01 a line of a large log\r\n" * 100_000 + b"Server")
    body = f"""
cd {tmp_path}
matched=' '
look() {{
  read -r _ before </proc/$$/io
  exited='' && is_ready_by_log a "$1"
  found=$?
  read -r _ after </proc/$$/io
  answer "$found $(((after - before) / 100000))"
}}
look '^Server up'
look '^Server up'
printf ' \\033[1mup\\033(B' >>a/output
look '^Server up again'
printf ' again\\r\\n' >>a/output
look '^Server up again$'
printf 'x\\by Gr\\303\\266\\303\\237e: \\r\\n' >a/output
look '^y Größe: .$'
printf 'Gr\\303\\266\\303\\237e: \\377' >a/output
look '^Gr\\wße: .$'
"""
    script = script_of(body, "readiness").sent_by("me", born=5, group=1)
    env = os.environ | {"LC_ALL": "C"}
    done = subprocess.run(["sh", "-c", command(script)], input=script, env=env, capture_output=True)
    looks = [each.decode() for each in done.stdout.split(b"\0")[2:-2]]
    assert looks[0].startswith("1 ") and int(looks[0].split()[1]) >= 50
    assert looks[1:] == ["1 0", "1 0", "0 0", "1 0", "0 0"]
