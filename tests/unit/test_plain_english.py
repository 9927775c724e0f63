"""The text of the project is plain English, as far as a program can tell; and this lint finds text that is not."""

from pathlib import Path

import pytest

from tests.support import prose
from tests.support.checkout import ROOT, source_files

READERS = {".py": prose.of_python, ".sh": prose.of_shell, ".md": prose.of_markdown}


def sentences_of_project() -> list[prose.Sentence]:
    found: list[prose.Sentence] = []
    for name in source_files():
        path = ROOT / name
        if path.suffix in READERS and path.is_file() and not name.startswith("tests/support/earlier/"):
            found += READERS[path.suffix](path, name)
    return found


def test_project_has_plain_sentences() -> None:
    sentences = sentences_of_project()
    assert len(sentences) > 5000, "the lint reads the project"
    assert prose.problems(sentences) == []


PYTHON = '''\
"""What a module does.

Example:

    Who looks at examples?
"""

x = 1  # Whose comment this is.
# Of a block,
# this is one sentence. And `code of ours` another.


def f() -> None:
    """Do it. That is all there is."""
    raise ValueError(f"--x {x}: where that is wrong")
'''
SHELL = """\
#!/bin/sh
# Those lines are a comment. Here is more of it.
#   What a table: it has no sentences
fail "which of these is wrong"
"""
MARKDOWN = """\
# What a heading

Which [words](https://example.org/of-a-link) are
here? Then a sentence. Whose are these words.

```
Who reads code?
```

| What | is a cell |
|---|---|
"""


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (
            "a.py",
            PYTHON,
            [
                (1, "What a module does."),
                (8, "Whose comment this is."),
                (9, "Of a block, this is one sentence."),
                (9, "And CODE another."),
                (14, "That is all there is."),
                (15, "where that is wrong"),
            ],
        ),
        (
            "a.sh",
            SHELL,
            [
                (2, "Those lines are a comment."),
                (2, "Here is more of it."),
                (4, "which of these is wrong"),
            ],
        ),
        (
            "a.md",
            MARKDOWN,
            [
                (3, "Which words are here?"),
                (3, "Then a sentence."),
                (3, "Whose are these words."),
                (10, "What"),
                (10, "is a cell"),
            ],
        ),
    ],
)
def test_lint_reads_sentences(tmp_path: Path, name: str, text: str, expected: list[tuple[int, str]]) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert sorted((each.line, each.text) for each in READERS[path.suffix](path, name)) == sorted(expected)


def sentence(text: str, is_cell: bool = False) -> prose.Sentence:
    return prose.Sentence("a.md", 1, text, is_cell)


@pytest.mark.parametrize(
    ("bad", "most", "reason"),
    [
        (sentence("What is awaited is left."), 1, "begins with a vague word"),
        (sentence("word " * 26), 2, "26 words"),
        (sentence("word " * 41), 0, "41 words"),
        (sentence("x" * 201, is_cell=True), 0, "longer than 200 characters"),
    ],
)
def test_lint_allows_few_odd_sentences(bad: prose.Sentence, most: int, reason: str) -> None:
    good = [sentence("The host answers.")] * (100 - most)
    assert prose.problems([*good, *[bad] * most]) == []
    found = prose.problems([*good[1:], *[bad] * (most + 1)])
    assert len(found) >= most + 1
    assert all(reason in each for each in found)


def test_lint_accepts_questions() -> None:
    assert prose.problems([sentence("Which command do I need?")]) == []
