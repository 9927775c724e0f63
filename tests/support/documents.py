"""Run the code blocks of a page of the documentation, and compare output blocks with what they print.

A block with `title="NAME"` is a file. A block of `sh` is run by bash, all blocks of a page by the same one. A block of
`text` behind it is its output, in which a line `...` stands for any lines, and `...` at the end of a line for its rest.
Numbers that differ from run to run are not compared.
"""

import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import attrs

FENCE = re.compile(r'^```(?P<language>\w+)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE)
END = "end-of-block"
# Parts of output that differ from run to run: times, sizes, process ids, random names, and numbers of a benchmark.
VARIABLE = [
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d"), "TIME"),
    (re.compile(r"/tmp/rr-hosts\.\w+"), "/tmp/rr-hosts.X"),
    (re.compile(r"\b[\d.]+( to [\d.]+)?( ms| s)( to [\d.]+ s)?\b"), "N s"),
    (re.compile(r"\b[\d.]+ [kMG]?B\b"), "N B"),
    (re.compile(r"\b\d+ %"), "N %"),
    (re.compile(r'"\d+\.\d+"'), '"N"'),
    (re.compile(r"(?<= )\d{3,}(?= )"), "PID"),
    (re.compile(r" +"), " "),
]


@attrs.frozen
class Block:
    """A code block, and its line in the page. `title` is the name of a file."""

    language: str
    title: str | None
    text: str
    line: int


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page."""
    text = page.read_text()
    found = []
    for match in FENCE.finditer(text):
        line = text[: match.start()].count("\n") + 1
        found.append(Block(match["language"], match["title"], match["text"], line))
    return found


def constant(text: str) -> list[str]:
    """Return the lines of an output without all that differs from run to run."""
    for pattern, word in VARIABLE:
        text = pattern.sub(word, text)
    return [line.rstrip() for line in text.splitlines()]


def fits(expected: Sequence[str], found: Sequence[str]) -> bool:
    """Return whether lines are as expected; see `...` above."""
    if not expected:
        return not found
    first, *others = expected
    if first == "...":
        return any(fits(others, found[start:]) for start in range(len(found) + 1))
    if not found:
        return False
    is_same = found[0].startswith(first.removesuffix("...")) if first.endswith("...") else found[0] == first
    return is_same and fits(others, found[1:])


class Reader:
    """A reader who does all that a page says, in one shell."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        pipe = subprocess.PIPE
        self._shell = subprocess.Popen(
            ["bash"], cwd=folder, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    def run(self, command: str) -> tuple[str, int]:
        """Run a block; return its output and the exit status of its last command."""
        shell = self._shell
        assert shell.stdin and shell.stdout
        shell.stdin.write(f"{{\n{command}\n}} </dev/null\necho {END} $?\n")
        shell.stdin.flush()
        lines = []
        for line in shell.stdout:
            before, mark, status = line.partition(f"{END} ")
            lines.append(before)
            if mark:
                return "".join(lines), int(status)
        raise AssertionError(f"the shell has ended: {''.join(lines)}")

    def close(self) -> None:
        """End the shell."""
        self._shell.communicate()


def follow(reader: Reader, page: Path) -> Iterator[Block]:
    """Do what a page says; yield each block that was run. Raise AssertionError if an output is not as expected."""
    found = blocks(page)
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.title is not None:
            reader.run(f"cat >{block.title} <<'{END}-of-file'\n{block.text}{END}-of-file")
        elif block.language == "sh":
            output, status = reader.run(block.text)
            where = f"{page.name}:{block.line}"
            if after is not None and after.language == "text":
                message = f"{where}: expected\n{after.text}\nbut it printed\n{output}"
                assert fits(constant(after.text), constant(output)), message
            else:
                assert status == 0, f"{where}: exit status {status}\n{output}"
        yield block
