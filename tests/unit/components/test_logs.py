"""Lines of logs: cleaned for the terminal, put together from parts, with their times."""

import time

import pytest

from fabfile.components.output.log_times import read_times
from fabfile.components.output.logs import LogLine, LogReader, rendered
from fabfile.util.limits import LONGEST_LINE
from rr_config import Component


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"plain \xc3\xa9\ttext\r", b"plain \xc3\xa9\ttext"),
        (b"\x1b[1;31mred\x1b[0m and \x1b[Kmore", b"red and more"),
        (b"\x1b]0;a title\x07text\x1b]0;a title\x1b\\", b"text"),
        (b"10 %\r50 %\r100 %\r", b"100 %"),
        (b"\x1b(Bbell\x07 back\x08 \x00nul \x7f", b"bell bac nul "),
        (b"\x1b[?2004hprompt\x1b7\x1b8", b"prompt"),
        (b"\x1b", b""),
        (b"\r\r", b""),
        (b"abc\b\bXY", b"aXY"),
        (b"\b\babc\rX", b"Xbc"),
        (b"a longer one\r\x1b[Kshort", b"short"),
        (b"a longer one\x1b[2K\rshort", b"short       "),
        (b"\x1b[1mab\x1b[0m\b\xc3\xa9!\x1b[0K\r\x1b", b"a\xc3\xa9!"),
        # C1 controls: CSI, OSC and DCS to BEL, ST or ESC \, and without an end
        (b"a\xc2\x9b2Jb\xc2\x9b", b"ab"),
        (b"\xc2\x9d0;pwned\x07a\xc2\x9d0;pwned\xc2\x9cb\xc2\x90x\x1b\\c\xc2\x9d0;d", b"abc0;d"),
        (b"x\ra\xc2\x9b2Jb\xc2\x85\xc2\x9d0;pwned\x07", b"ab"),
        # what turns text round
        ("a\u202eb\u2066c\u2069\u202c".encode(), b"abc"),
        ("x\ra\u202eb".encode(), b"ab"),
        # what is no UTF-8, also not when something between is gone
        (b"\x9b2J\xff\r", "\ufffd2J\ufffd".encode()),
        (b"x\r\xc2\x1b[m\x9b2J", "\ufffd\ufffd2J".encode()),
        (b"\xc2\x1b[m\x9b2J", "\ufffd\ufffd2J".encode()),
        (b"\x1b\x1b[m[2J", b"[2J"),
    ],
)
def test_control_sequences_are_removed(line: bytes, expected: bytes) -> None:
    assert rendered(line) == expected


@pytest.mark.parametrize("order", [b"\x1b]", b"\xc2\x9d", b"\x1bP", b"\x1b[0", b"\x1b(", b"\r\x1b]"])
def test_endless_sequences_take_no_time(order: bytes) -> None:
    begin = time.process_time()
    rendered(order * (LONGEST_LINE // len(order)))
    assert time.process_time() - begin < 1


def test_reader_joins_partial_lines() -> None:
    reader = LogReader(Component(name="a", host="h", executable="x", start_index=1))
    assert list(reader.read("7/6", b"one\ntw")) == [LogLine(b"one")]
    assert list(reader.read("7/14", b"o\n\nthree")) == [LogLine(b"two"), LogLine(b"")]
    new = list(reader.read("8/4", b"new\n"))
    assert new == [LogLine(b"three"), LogLine(b"new")], "another file: it was started again"
    assert reader.position == "8/4"
    assert list(reader.read("8/9", b"x" * (LONGEST_LINE + 1))) == [LogLine(b"x" * (LONGEST_LINE + 1))]
    assert list(reader.end()) == []


def test_line_has_time_of_its_end() -> None:
    reader = LogReader(Component(name="a", host="h", executable="x", start_index=1))
    first = list(reader.read("7/13", b"one\ntwo\nthree", [(3, 50), (4, 51), (9, 60), (13, 70)]))
    assert first == [LogLine(b"one", 51), LogLine(b"two", 60)]
    assert list(reader.read("7/20", b"\nfour\nx", [(16, 80), (20, 90)])) == [
        LogLine(b"three", 80),
        LogLine(b"four", 90),
    ]
    again = list(reader.read("8/2", b"a\n", [(2, 100)]))
    assert again == [LogLine(b"x", 90), LogLine(b"a", 100)]


def test_impossible_time_is_no_time() -> None:
    assert read_times("5:1,6:2") == [(1, 5), (2, 6)]
    with pytest.raises(ValueError, match=r"^253402300800: must be a time from 1970 to 9000$"):
        read_times("253402300800:1")
