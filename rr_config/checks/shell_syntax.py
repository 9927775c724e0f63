"""Warn of shell syntax in arguments and variables that nothing evaluates.

The older script passed its command lines to a shell. Here only `$NAME` and `${NAME}` are replaced.
"""

import logging
import posixpath
import re
from collections.abc import Iterable, Iterator

from ..component import Component
from ..muddlers.rewriting import literal
from ..values.secrets import plain

# `$(cmd)`, `$((1 + 2))`, a pair of backticks, and `${X:-y}`, `${X%y}` or `${#X}`, but not `${X}`.
EVALUATED = re.compile(r"\$\(|`[^`]*`|\$\{(?![A-Za-z_][A-Za-z0-9_]*\})[A-Za-z0-9_#!@*][^}]*\}")
SHELLS = ("sh", "bash", "dash", "ksh", "zsh", "busybox", "su", "ssh")
SCRIPT_FOLLOWS = re.compile(r"-[A-Za-z]*c")
LONGEST = 60  # characters of a text that a warning shows

_logger = logging.getLogger(__name__)


def warn_of_shell_syntax(components: Iterable[Component]) -> None:
    """Log a warning for each component with shell syntax that its program gets unchanged.

    `util.literal` says that this is intended. The script of `sh -c` is no reason either, because that shell evaluates
    it.
    """
    for component in components:
        for attribute, text in _unevaluated(component):
            shown = repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}...")
            hint = "run it with /bin/sh -c to evaluate it, or use util.literal"
            _logger.warning("%s.%s: %s: no shell evaluates this; %s", component.label, attribute, shown, hint)
            break  # one warning is enough to find the others


def _unevaluated(component: Component) -> Iterator[tuple[str, str]]:
    words = [component.executable, *component.args]
    for index, text in enumerate(words[1:], 1):
        if _is_evaluated_elsewhere(text) and not _is_script(words, index):
            yield "args", text
    for text in plain(component.env).values():
        if _is_evaluated_elsewhere(text):
            yield "env", text


def _is_evaluated_elsewhere(text: str) -> bool:
    return not isinstance(text, literal) and EVALUATED.search(text) is not None


def _is_script(words: list[str], index: int) -> bool:
    """Return whether a word is the script of a shell: it follows `-c`, or `-ec`, behind the name of a shell."""
    names = [posixpath.basename(word) for word in words[: index - 1]]
    return SCRIPT_FOLLOWS.fullmatch(words[index - 1]) is not None and not set(SHELLS).isdisjoint(names)
