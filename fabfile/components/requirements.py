"""Requirements: programs that components need on their host. They are checked before anything is started. Pure."""

from collections.abc import Iterable
from itertools import chain

import attrs

from rr_config import Component
from rr_config.util import scoped
from rr_config.values.secrets import plain

from ..remote.script import RemotePath, ShellWord, Value
from .launcher import environment_word

PATH = "PATH"
TILDE = "; only a shell expands ~ in PATH, so use $HOME"


@attrs.frozen
class Requirement:
    """A program that components need, where the host looks for it, and the reason: `needed by NAME`.

    `path` is the PATH of the components. A relative folder in it is relative to `folder`, which is empty for a
    temporary folder.
    """

    program: str
    path: ShellWord
    folder: RemotePath
    reason: str

    @property
    def text(self) -> str:
        """Return the text that reports it missing."""
        return f"{self.program} ({self.reason})"

    @property
    def arguments(self) -> list[Value]:
        """Return the words that requirements.sh wants."""
        return [self.program, self.text, self.path, self.folder]


def requirements(components: Iterable[Component]) -> list[Requirement]:
    """Return the programs that components need. Components that look in the same folders share a requirement."""
    found: dict[tuple[str, ShellWord, str], list[str]] = {}
    for component in components:
        for need in component.needs:
            env = (
                need.env if isinstance(need, scoped) else plain(component.env)
            )  # a harness passes on its program's PATH
            path = environment_word(env[PATH]) if PATH in env else ShellWord('"$PATH"')
            hint = TILDE if any(folder.startswith("~") for folder in env.get(PATH, "").split(":")) else ""
            folder = component.base_dir or "" if PATH in env else ""
            users = found.setdefault((str(need) + hint, path, folder), [])
            users += [component.name] if component.name not in users else []
    return [_requirement(*key, users) for key, users in found.items()]


def _requirement(program: str, path: ShellWord, folder: str, users: list[str]) -> Requirement:
    program, hint, _ = program.partition(TILDE)
    others = f" and {len(users) - 1} more" if len(users) > 1 else ""
    return Requirement(program, path, RemotePath(folder), f"needed by {users[0]}{others}{hint}")


def as_arguments(components: Iterable[Component]) -> list[Value]:
    """Return the words that `check_requirements` in requirements.sh wants for all of these components."""
    return list(chain.from_iterable(each.arguments for each in requirements(components)))
