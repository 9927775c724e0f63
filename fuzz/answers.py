"""Fuzz the parsers of hosts' answers: `python -m fuzz.answers [-max_total_time=60]`, with options of libFuzzer.

A parser may raise HostError or one of `host_group.NONSENSE`, which become a failure of that host. Any other exception
would abort the command for all hosts.
"""

import json
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["fabfile", "rr_config"]):
    from fabfile.components.attach import read_window
    from fabfile.components.clean import read_remains
    from fabfile.components.output.logs import CONTROLS, LogReader, read_logs, rendered
    from fabfile.components.screen import read_killed, read_session
    from fabfile.components.start import read_started
    from fabfile.components.status import Status, read_status
    from fabfile.components.stop import read_stopped
    from fabfile.diagnosis.probe import read_clock, read_facts, read_volumes
    from fabfile.remote.conversation import Conversation
    from fabfile.reporting.history import histories, span, stages
    from fabfile.reporting.timeline import figure
    from fabfile.results.collect import _received, _Stream
    from fabfile.results.provenance import parse_provenance
    from fabfile.results.remote_files import Result, read_listed
    from fabfile.results.run_json import describe_run
    from fabfile.runner.plan import read_present
    from fabfile.runner.watch import Look
    from fabfile.ssh.host_group import NONSENSE
    from fabfile.transfer.inventory import read_inventory, read_stat
    from fabfile.transfer.surplus import find_surplus, read_left
    from fabfile.transfer.tree import Mirror, Tree
    from fabfile.ui.overview import summary
    from fabfile.ui.summaries import killed as killed_text
    from fabfile.ui.tables import status_rows
    from fabfile.util.errors import HostError
    from rr_config import Component, Config, Options, util
    from rr_config.files.ignore import Ignore
    from rr_config.files.local_files import LocalFile, LocalLink, LocalTree
    from rr_config.files.trees import Rules

COMPONENTS = [
    Component(name="a", host="h", executable="x", start_index=1, ready=util.port(80), results=["*"]),
    Component(name="b", host="h", executable="x", start_index=1, base_dir="~"),
]
MIRROR = Mirror(LocalTree("/", Rules(delete=True), Ignore("/", ["*.o"])), 1, True)
LINK = LocalLink("/l", 0o777, 0, link="f")
TREE = Tree({"./f": LocalFile("/f", 0o644, 3), "./l": LINK}, {".": None, "./d": 0o755}, mirrors={".": MIRROR})


class Answering:
    """A channel that returns a fixed answer in blocks of seven bytes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def set_patience(self, seconds: float) -> None:
        """Ignore the timeout: the answer is available at once."""

    def send(self, data: bytes) -> None:
        """Discard the data."""

    def receive(self) -> bytes:
        """Return the next block."""
        block, self._answer = self._answer[:7], self._answer[7:]
        return block

    def end(self) -> tuple[str, int | None]:
        """Return no error output and no exit code."""
        return "", None

    def close(self, is_over: bool) -> None:
        """Do nothing."""


def talk(answer: bytes) -> None:
    """Read all records of a conversation."""
    conversation = Conversation(Answering(answer))
    try:
        list(conversation.answers())
    finally:
        conversation.close()


def status(answers: Iterable[str]) -> None:
    """Parse an answer to `fab status`. An accepted answer must also be printable and fit in a report."""
    found = read_status(COMPONENTS, answers)
    try:
        show(found)
    except NONSENSE as error:
        raise AssertionError("an accepted answer cannot be printed") from error


def show(found: list[Status]) -> None:
    """Do all that `fab status` and `fab report` do, except for jinja2 and plotly."""
    status_rows(found, {})
    summary(Look(0, found), 80, 24)
    json.dumps([each.as_dict() for each in found], allow_nan=False)
    run = json.loads(json.dumps(describe_run(Options(), Config(), "s", found, 0), indent=2, default=repr))
    own, of_run = histories(run), stages(run)
    figure(own, of_run, *span(own, of_run, run["collected"]))


def killed(answers: Iterable[str]) -> None:
    """Parse an answer to `fab kill`. An accepted answer must also be printable."""
    found = read_killed(iter(answers))
    try:
        killed_text(found)
    except NONSENSE as error:
        raise AssertionError("an accepted answer cannot be printed") from error


def output(line: bytes) -> None:
    """Check that a rendered line has no control characters for the terminal."""
    if CONTROLS.search(rendered(line).decode()):
        raise AssertionError("a control character is left")


def received(stream: bytes) -> None:
    """Unpack a tar stream of results. It must not write files outside the results folder."""
    conversation = Conversation(Answering(stream))
    wanted = {path: Result(COMPONENTS[0], path, 5, path) for path in ("./r", "./s")}
    try:
        with tempfile.TemporaryDirectory() as folder:
            list(_received(_Stream(conversation, lambda size: None), wanted, Path(folder)))
    finally:
        conversation.close()


def texts(read: Callable[[list[str]], Any]) -> Callable[[bytes], None]:
    """Turn a parser of texts into a parser of bytes."""

    def read_bytes(answer: bytes) -> None:
        found = read(answer.decode("utf-8", "surrogateescape").split("\0"))
        if not isinstance(found, str | bytes | type(None)) and hasattr(found, "__iter__"):
            list(found)

    return read_bytes


READERS: list[Callable[[bytes], object]] = [
    talk,
    texts(status),
    texts(lambda answers: read_started(COMPONENTS, answers)),
    texts(lambda answers: read_stopped(COMPONENTS, answers)),
    texts(lambda answers: read_listed(COMPONENTS, answers)),
    texts(lambda answers: read_present("s", COMPONENTS, answers)),
    texts(lambda answers: read_facts(["~"], answers)),
    texts(lambda answers: read_remains("s", COMPONENTS, answers)),
    texts(lambda answers: read_clock(answers[0], 1, 2)),
    texts(lambda answers: parse_provenance(answers[0])),
    texts(killed),
    texts(lambda answers: read_session(iter(answers))),
    texts(read_window),
    lambda answer: read_inventory(TREE, *[answer.split(b"\0")] * 3),
    lambda answer: find_surplus(TREE, ".", MIRROR, answer.split(b"\0")),
    lambda answer: read_left(".", answer.split(b"\0")),
    lambda answer: read_stat(answer.split(b"\0")),
    lambda answer: read_volumes(answer.split(b"\0")),
    lambda answer: list(read_logs({"a": LogReader(COMPONENTS[0])}, answer)),
    output,
    received,
]


def one(data: bytes) -> None:
    """Pass the data to one of the parsers. The first byte selects it."""
    if data:
        try:
            READERS[data[0] % len(READERS)](data[1:])
        except (HostError, *NONSENSE):
            pass


def seeds() -> list[bytes]:
    """Return the initial inputs: valid answers, and known hard cases."""
    right = [
        b"\0remote-runner boot machine /home\0x\0done\0",
        b"units 100 100 4096\0component a running 5  7  5 6 8   \0component b ended 5 3 7 9    late  \0"
        b"sample 1.5 5,7,7,8,9\0sample 1.8 5,7,7,8,9\0origin a {}\0output b \x1b[1mone\n\rtwo",
        b"started a 5\0ready a 120\0unready a late 1 x\ny\0failed b 127 no\0running b 7",
        b"ended a 0\0ended b never",
        b"system Linux\0output a 5 /o\0file a 5 ./r\0nothing b x\0listed",
        b"session 5.runner\0running a",
        b"system Linux\0looked",
        b"5.5",
        b'{"format": 2, "config": null, "options": {}, "versions": {}, "stages": []}',
        b"session 5.runner\0processes 3",
        b"new 5.runner",
        b"5.runner 3",
        b"81a4 3 ./f",
        b"81a4 3 ./f",
        b"x 5 /",
        b"output a 5.0/7 7:5, hello\nx",
        b"\x1b[1ma\rb\x08c",
        member("./r", size=5) + b"12345".ljust(512, b"\0") + member("./s") + bytes(1024),
    ]
    status_of = right[1].replace
    odd = [
        *(status_of(b"{}", told) for told in (b"[" * 200_000, origin(b"[" * 900 + b"]" * 900, b"1"))),
        *(status_of(b"{}", origin(b"1", end)) for end in (b"1e18", b"1e300", b"Infinity", b"NaN", b"9" * 20)),
        *(status_of(b" 7 ", b" %s " % time) for time in (b"253402300800", b"9" * 400, b"-99999999999999")),
        status_of(b",9", b"," + b"9" * 400),
    ]
    ended = b"\0".join([b"processes " + b"9" * 4300] * 2)
    sent = [
        member("././@LongLink", b"L") * 1900 + member("./r") + bytes(1024),
        member("./r") * 2,
        member("./r", b"5", 60 << 30) + member("././@LongLink", b"L", 30 << 30),
        member("./r", b"S") + bytes(1024),
    ]
    return [
        *(bytes([number]) + text for number, text in enumerate(right)),
        *(bytes([1]) + text for text in odd),
        *(bytes([len(READERS) - 1]) + text for text in sent),
        bytes([9]) + ended,
    ]


def origin(option: bytes, end: bytes) -> bytes:
    """Return the provenance of a run as a host stores it."""
    stages = b'[{"stage": "x", "began": 1, "ended": %s}]' % end
    return b'{"format": 2, "config": null, "options": {"x": %s}, "versions": {}, "stages": %s}' % (option, stages)


def member(name: str, kind: bytes = b"0", size: int = 0) -> bytes:
    """Return the header of a member of a tar stream."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


def main() -> None:
    """Fuzz until stopped, or as long as the options say."""
    for seed in seeds():
        one(seed)
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
