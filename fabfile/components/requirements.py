"""Requirements: programs that components need on their host. They are checked before anything is started. Pure."""

from collections.abc import Iterable, Mapping, Sequence

import attrs

from rr_config import Component

from ..remote.script import Script, load


def reasons(components: Iterable[Component]) -> dict[str, str]:
    """Return the programs that components need, each with the reason: `needed by NAME`, and how many more need it."""
    names: dict[str, list[str]] = {}
    for component in components:
        for program in dict.fromkeys(component.needs):
            names.setdefault(program, []).append(component.name)
    found = {}
    for program, needed_by in names.items():
        others = f" and {len(needed_by) - 1} more" if len(needed_by) > 1 else ""
        found[program] = f"needed by {needed_by[0]}{others}"
    return found


def as_arguments(components: Iterable[Component]) -> list[str]:
    """Return what `check_requirements` in requirements.sh wants: each program, and the text that reports it missing."""
    arguments = []
    for program, reason in reasons(components).items():
        arguments += [program, f"{program} ({reason})"]
    return arguments


def requirements_script(components: Iterable[Component]) -> Script | None:
    """Return the script that fails with all that is missing, or None if the components need nothing."""
    arguments = as_arguments(components)
    return load("check_requirements", *arguments) if arguments else None


@attrs.frozen
class Required:
    """Programs that a script requires: `tools` of its own, and by host the programs of components, as arguments."""

    tools: str = "screen"
    programs: Mapping[str, Sequence[str]] = attrs.field(factory=dict)

    def of(self, host: str) -> Sequence[str]:
        """Return the arguments for a host."""
        return self.programs.get(host, ())
