"""What components need of their host beside what scripts do: programs, looked for before anything is started. Pure."""

from collections.abc import Iterable, Mapping

from rr_config import Component

from ..remote import shell


def wanted(components: Iterable[Component]) -> dict[str, str]:
    """The programs that components need, each with the words that say which component it is for."""
    found: dict[str, list[str]] = {}
    for component in components:
        for name in dict.fromkeys(component.needs):
            found.setdefault(name, []).append(component.name)
    return {
        name: f"needed by {names[0]}" + f" and {len(names) - 1} more" * (len(names) > 1)
        for name, names in found.items()
    }


def check(components: Iterable[Component]) -> str:
    """Lines of sh that fail, with all that is missing, where a host finds what components need."""
    programs = wanted(components)
    lines = [f"finds {shell.quote(name)} || lack {shell.quote(f'{name} ({why})')}" for name, why in programs.items()]
    return "\n".join([CHECK, *lines, SAY, ""]) if programs else ""


def programs_by_host(wanted: Mapping[str, Iterable[Component]]) -> dict[str, str]:
    """The lines of `check` for each host that needs any."""
    return {host: lines for host, own in wanted.items() if (lines := check(own))}


# Not what is a word of the shell alone, as `command -v` would have it.
FINDS = """\
finds() (
  case $1 in */*) [ -f "$1" ] && [ -x "$1" ]; exit ;; esac
  IFS=:
  set -f
  for folder in $PATH; do [ -f "$folder/$1" ] && [ -x "$folder/$1" ] && exit; done
  exit 1
)
"""

CHECK = f"""\
{FINDS}\
lack() {{ lacking="$lacking${{lacking:+, }}$1"; }}
lacking="""

SAY = '[ -z "$lacking" ] || fail "not installed: $lacking; install there what is missing, or do without"'
