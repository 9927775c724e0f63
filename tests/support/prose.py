"""Sentences of the project's text: docstrings, comments, help, messages and Markdown."""

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator
from pathlib import Path

import attrs

# Words with which a sentence hides the thing that it is about.
VAGUE = re.compile(r"(What|Who|Whose|Of|Those|That|Where|Which)\b")
LONG, TOO_LONG = 25, 40  # words
LONGEST_CELL = 200  # characters
MOST_VAGUE, MOST_LONG = 0.01, 0.02
NO_PROSE = re.compile(r"noqa|type:|shellcheck|!|nosec|pragma")


@attrs.frozen
class Sentence:
    """A sentence and its place. `is_cell` if it is a cell of a table."""

    path: str
    line: int
    text: str
    is_cell: bool = False

    @property
    def words(self) -> int:
        """The number of words."""
        return len(self.text.split())

    @property
    def is_vague(self) -> bool:
        """Whether it begins with a word that hides the thing that it is about."""
        return VAGUE.match(self.text) is not None and not self.text.endswith("?")

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


def split(text: str) -> list[str]:
    """Return the sentences of a text. Code counts as one word; a fragment of one or two words is no sentence."""
    without_code = re.sub(r"``?[^`]+``?|https?://\S+", "CODE", text)
    without_abbreviations = re.sub(r"\b(e\.g|i\.e|etc)\.", r"\1", without_code)
    pieces = re.split(r"(?<=[.!?:])\s+|\n\s*\n|\n\s*(?:[-*]|\d+\.) ", without_abbreviations)
    return [" ".join(piece.split()) for piece in pieces if len(piece.split()) > 2]


def of_python(path: Path, name: str) -> Iterator[Sentence]:
    """Yield the sentences of docstrings, comments, and texts that a person reads."""
    source = path.read_text()
    seen = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            text = ast.get_docstring(node)
            if text and isinstance(node.body[0], ast.Expr):
                seen.add(id(node.body[0].value))
                yield from _located(name, node.body[0].lineno, _without_examples(text))
        elif isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in seen:
            seen.update(map(id, ast.iter_child_nodes(node)))  # the parts of an f-string
            text = _text_of(node)
            if text and _is_prose(text):
                yield from _located(name, node.lineno, text)
    for line, comment in _comments(source):
        yield from _located(name, line, comment)


def of_shell(path: Path, name: str) -> Iterator[Sentence]:
    """Yield the sentences of comments and of messages."""
    lines = path.read_text().splitlines()
    for line, comment in _blocks((number, line.strip()) for number, line in enumerate(lines, 1)):
        yield from _located(name, line, comment)
    for number, text in enumerate(lines, 1):
        for message in re.findall(r'\bfail "([^"]+)"', text):
            yield from _located(name, number, message)


def of_markdown(path: Path, name: str) -> Iterator[Sentence]:
    """Yield the sentences of prose and of table cells."""
    text = re.sub(r"```.*?```", lambda match: "\n" * match[0].count("\n"), path.read_text(), flags=re.DOTALL)
    block, first = "", 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        is_table = line.lstrip().startswith("|")
        if line.strip() and not is_table and not line.startswith("#"):
            first = first or number
            block += line + "\n"
            continue
        yield from _located(name, first, _without_links(block))
        block, first = "", 0
        if is_table:
            for cell in _without_links(line).strip().strip("|").split("|"):
                if cell.strip(" -:"):
                    yield Sentence(name, number, cell.strip(), is_cell=True)


def problems(sentences: list[Sentence]) -> list[str]:
    """Return the faults of these sentences: places, each with the reason; or nothing."""
    prose = [each for each in sentences if not each.is_cell]
    found = [f"{each} ({each.words} words)" for each in prose if each.words > TOO_LONG]
    found += [f"{each} (longer than {LONGEST_CELL} characters)" for each in sentences if _is_long_cell(each)]
    vague = [each for each in prose if each.is_vague]
    if len(vague) > MOST_VAGUE * len(prose):
        found += [f"{each} (begins with a vague word)" for each in vague]
    long = [each for each in prose if each.words > LONG]
    if len(long) > MOST_LONG * len(prose):
        found += [f"{each} ({each.words} words)" for each in long]
    return found


def _is_long_cell(sentence: Sentence) -> bool:
    return sentence.is_cell and len(sentence.text) > LONGEST_CELL


def _located(name: str, line: int, text: str) -> Iterator[Sentence]:
    for sentence in split(text):
        yield Sentence(name, line, sentence)


def _without_examples(docstring: str) -> str:
    """Return a docstring without its indented examples and tables."""
    return "\n".join("" if line.startswith(("    ", ">>>")) else line for line in docstring.splitlines())


def _without_links(text: str) -> str:
    return re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)


def _text_of(node: ast.Constant | ast.JoinedStr) -> str:
    """Return the text of a string literal, with X for each value in it."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    parts = [str(part.value) if isinstance(part, ast.Constant) else "X" for part in node.values]
    return "".join(parts)


def _is_prose(text: str) -> bool:
    """Return whether a string literal is a text for a person, and no pattern, script or data."""
    words = text.split()
    plain = [word for word in words if re.fullmatch(r"[\w'`./:-]+[,.;:?!)]?", word)]
    return len(words) >= 5 and len(plain) >= 0.8 * len(words) and "\n" not in text


def _comments(source: str) -> Iterator[tuple[int, str]]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = [token for token in tokens if token.type == tokenize.COMMENT]
    whole_lines = [each for each in comments if each.line.lstrip().startswith("#")]
    yield from _blocks((each.start[0], each.string) for each in whole_lines)
    for each in comments:
        if each not in whole_lines:
            yield from _blocks(iter([(each.start[0], each.string)]))


def _blocks(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """Yield each block of comment lines that follow each other, with the number of its first line."""
    block, first, last = "", 0, 0
    for number, line in [*lines, (0, "")]:
        is_comment = line.startswith("#") and not NO_PROSE.match(line.lstrip("# "))
        if block and (not is_comment or number != last + 1):
            yield first, block
            block = ""
        if is_comment:
            first = first if block else number
            block += "\n" if line.startswith("#   ") else line.lstrip("#") + "\n"  # a list or an example
            last = number
