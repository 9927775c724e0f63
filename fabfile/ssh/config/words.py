"""Lines of an ssh config, split as OpenSSH splits them: see `argv_split` and `strdelim` in its misc.c."""

import re

# A keyword and its value. One `=` may stand between them.
LINE = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9]*)(?:[ \t]*=[ \t]*|[ \t]+)(?!=)(.+)", re.DOTALL)
BLANKS = re.compile(r"[ \t]+")
SPECIAL = re.compile(r"[\"'\\#]")
CRITERION = re.compile(r"(!?)([A-Za-z]+)")
ARGUMENT = re.compile(r"(?:[ \t]*=[ \t]*|[ \t]+)([^ \t\"'#=\\]+)")


class NotPlainError(Exception):
    """A setting that only ssh itself understands exactly; the text says where it stands and what it is."""


def keyword_and_value(line: str) -> tuple[str, str] | None:
    """Return the keyword in lower case, and the rest of the line; None for an empty line or a comment.

    Raise NotPlainError if the line has an unusual form.
    """
    line = line.rstrip(" \t\r\n\f")
    text = line.lstrip(" \t\r\n")
    if not text or text[0] == "#":
        return None
    match = LINE.fullmatch(line)
    if not match or "\0" in line:
        raise NotPlainError(repr(text))
    return match[1].lower(), match[2]


def split(value: str) -> list[str]:
    """Return the words of a value, without quotes and without a comment. Raise NotPlainError for a lone quote."""
    if not SPECIAL.search(value):
        return [word for word in BLANKS.split(value) if word]
    from .quotes import quoted_words  # few values have quotes

    words = quoted_words(value)
    if words is None:
        raise NotPlainError(f"invalid quotes: {value}")
    return words


def joined(words: tuple[str, ...]) -> str:
    """Return the words as one text that `split`, and `shlex.split`, take apart again."""
    return " ".join(f'"{ESCAPE.sub(_escaped, word)}"' if NEEDS_QUOTES.search(word) else word for word in words)


NEEDS_QUOTES = re.compile(r"[ \t\"'\\#]|^$")
ESCAPE = re.compile(r'["\\]')


def _escaped(match: re.Match[str]) -> str:
    return f"\\{match[0]}"
