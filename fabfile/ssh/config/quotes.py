"""Words of a value in an ssh config with quotes, backslashes or a comment: see `argv_split` in misc.c of OpenSSH."""

import re

BLANKS = re.compile(r"[ \t]+")
# The parts of a word: an escaped character, a quoted text, or other characters. Any other backslash stands for itself.
PART = re.compile(
    r"""\\(?P<escaped>[ '"\\])"""
    r"""|"(?P<double>(?:[^"\\]|\\.?)*)"|'(?P<single>(?:[^'\\]|\\.?)*)'"""
    r"""|(?P<plain>[^ \t"'\\]+|\\)""",
    re.DOTALL,
)
WORD = re.compile(f"(?:{re.sub('[?]P<[a-z]+>', '?:', PART.pattern)})+", re.DOTALL)
ESCAPED_IN_QUOTES = re.compile(r"""\\(['"\\])""")


def quoted_words(value: str) -> list[str] | None:
    """Return the words without quotes and comment, or None if a quote has no end."""
    words: list[str] = []
    position = 0
    while True:
        blanks = BLANKS.match(value, position)
        position = blanks.end() if blanks else position
        if position == len(value) or value[position] == "#":
            return words
        word = WORD.match(value, position)
        if not word or (word.end() < len(value) and value[word.end()] not in " \t"):
            return None
        words.append(PART.sub(_unquoted, word[0]))
        position = word.end()


def _unquoted(part: re.Match[str]) -> str:
    kind = part.lastgroup or ""
    text = part[kind]
    return ESCAPED_IN_QUOTES.sub(r"\1", text) if kind in ("double", "single") else text
