"""Conditions for readiness that are refused where they are written."""

import re
from pathlib import Path

import pytest

from rr_config import util
from rr_config.checks import perl_regex
from tests.support.configs import complete, component_of, refused


@pytest.mark.parametrize(
    "made",
    [
        lambda: util.port(0),
        lambda: util.port(65536),
        lambda: util.port("80"),  # type: ignore[arg-type]
        lambda: util.log("("),
        lambda: util.log(""),
        lambda: util.log("a\nb"),
        lambda: util.log(None),  # type: ignore[arg-type]
        lambda: util.log(b"a"),  # type: ignore[arg-type]
        lambda: util.log("a\0b"),
        lambda: util.log("\ud800"),
        lambda: util.command(" "),
        lambda: util.command(["true"]),  # type: ignore[arg-type]
        lambda: util.command("a\0"),
        lambda: util.ended(timeout=0),
        lambda: util.ended(timeout=float("inf")),
        lambda: util.port(80, timeout="1"),  # type: ignore[arg-type]
    ],
)
def test_invalid_ready_is_refused(made: object) -> None:
    with pytest.raises(ValueError, match=r"^util\.(port|log|command|ended)"):
        made()  # type: ignore[operator]


# Expressions for `grep -P` that Python's re rejects, and the other way round.
PERL_ONLY = [
    r"\h+ready",
    r"is \Kready",
    "[[:alpha:]]+ (*SKIP)x",
    r"(?<n>a)\g{n}",
    "a(?i)b",
    r"\p{Lu}",
    "(?|a|b)",
    r"\Qa(b\E",
]
BOTH = ["a++", "(?P<n>a)(?P=n)", r"\Z", "é(x)", r"listening on \d+", "(?>a)", "[]a]", "-e", "a|", "-(x)"]
INVALID = ["(", "[z-a]", "a{2,1}", "*a", "(?#", r"(a)\2", "[[:nope:]]", "a(?<n"]
PYTHON_ONLY = [r"\u0041", r"\N{DIGIT ONE}", "(?u)x"]


@pytest.fixture
def no_cache() -> None:
    perl_regex.regex_problem.cache_clear()


@pytest.mark.parametrize("regex", PERL_ONLY + BOTH)
def test_perl_regex_is_accepted(tmp_path: Path, regex: str) -> None:
    text = complete().replace("'start_index': 1", f"'start_index': 1, 'ready': util.log({regex!r})")
    assert str(component_of(tmp_path, text).ready) == f"log {regex}"


@pytest.mark.parametrize("regex", INVALID + PYTHON_ONLY)
def test_invalid_regex_has_its_line(tmp_path: Path, regex: str) -> None:
    message = refused(tmp_path, "x = 1\n" + f"ready = util.log({regex!r})\n" + complete())
    start = f"FOLDER/cfg.py:2: ValueError: util.log({regex!r}): invalid regular expression: "
    assert message.startswith(start)
    assert message.splitlines()[0].removeprefix(start) not in ("", "grep")


@pytest.mark.parametrize(
    "grep", ["", "#!/bin/sh\necho 'grep: support for the -P option is not compiled' >&2; exit 2\n"]
)
def test_python_decides_without_grep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_cache: None, grep: str
) -> None:
    if grep:
        (tmp_path / "grep").write_text(grep)
        (tmp_path / "grep").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + (":/bin" if grep else ""))
    for regex in BOTH:
        assert perl_regex.regex_problem(regex) is None
    for regex in INVALID[:6]:
        assert perl_regex.regex_problem(regex)
    assert perl_regex.regex_problem(r"\h(") and perl_regex.regex_problem(r"\u0041") is None


def test_plain_text_starts_no_process(monkeypatch: pytest.MonkeyPatch, no_cache: None) -> None:
    asked: list[str] = []
    monkeypatch.setattr(perl_regex, "_problem_of_grep", asked.append)
    for number in range(3):
        util.log(f"worker-{number}: ready, listening on 10.0.0.{number}:80 <é> #!/@~&")
        util.log(r"port \d+")
    assert asked == [r"port \d+"]


def test_plain_text_is_valid() -> None:
    """Each character that needs no process is valid alone, twice, and between others."""
    plain = [c for c in map(chr, range(1, 256)) if not perl_regex.SPECIAL.search(c) and c != "\n"]
    text = "".join(f"{c}{c}a{c}" for c in plain)
    assert perl_regex._problem_of_grep(text) is None
    re.compile(text)
