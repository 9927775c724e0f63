"""Requirements: programs that components need on their host. They are checked before anything is started. Pure."""

from collections.abc import Iterable

from rr_config import Component


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
