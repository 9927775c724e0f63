"""The results of components: which files a host has of them, and where they are put here. Pure.

The script lists them, hashes those that may be here already, and sends the others, as one tar stream a component.
"""

import posixpath
from collections.abc import Iterable, Sequence

import attrs

from rr_config import Component

from ..remote import shell, state_dir

OUTPUT = "output"


@attrs.frozen
class Result:
    """A file of a component on its host, by its path there, and where it is put, below the folder of a collection."""

    component: Component
    path: str
    size: int
    place: str


@attrs.frozen
class Listed:
    """What a host has: files by their place, patterns that match nothing there, and what kind of system it is."""

    results: dict[str, Result]
    problems: tuple[tuple[Component, str], ...]
    system: str


def folder_of(component: Component) -> str:
    """`HOST/COMPONENT`, each spelled as a name for a folder."""
    return f"{state_dir.folder(component.host)}/{state_dir.folder(component.name)}"


def place(component: Component, path: str) -> str:
    """Where a result is put: below `results` of its component, never outside of that."""
    parts = ["up" if part == ".." else part for part in posixpath.normpath(path).split("/") if part]
    return posixpath.join(folder_of(component), "results", *parts)


def collect_script(session: str, components: Sequence[Component]) -> str:
    """Answers what there is, then obeys `hash FOLDER LENGTH` and `fetch FOLDER LENGTH`, each before a list of paths."""
    cases = "".join(f"    {state_dir.folder(c.name)}) {_enter(c)} ;;\n" for c in components)
    into = f"into() {{\n  case $1 in\n{cases}  esac 2>/dev/null\n}}\n"
    lines = [f"need openssl tar\n{state_dir.where(session)}{state_dir.OWN_TEMPORARY}{into}{COLLECT}"]
    for component in components:
        folder = state_dir.folder(component.name)
        lines.append(f"list_output {folder}; is_there=1; into {folder} || is_there=")
        lines.append(f'[ "$is_there" ] || answer "nowhere {folder}"')
        for pattern in component.results:
            where = "" if pattern.startswith(("/", "~")) else '[ -z "$is_there" ] || '
            lines.append(f"{where}{{ pattern={shell.path(pattern)}; list {folder}; }}")
    return "\n".join([*lines, "answer listed", OBEY])


def _enter(component: Component) -> str:
    """A command of sh that goes to the base_dir of a component."""
    if component.base_dir is not None:
        return f"cd -- {shell.path(component.base_dir)}"
    return f'own_temporary {state_dir.folder(component.name)} && cd -- "$dir"'


def read_listed(components: Sequence[Component], answers: Iterable[str]) -> Listed:
    """What the script answers up to `listed`."""
    by_folder = {state_dir.folder(component.name): component for component in components}
    results: dict[str, Result] = {}
    problems: list[tuple[Component, str]] = []
    system = ""
    for answer in answers:
        word, _, rest = answer.partition(" ")
        if word == "listed":
            break
        if word == "system":
            system = rest
            continue
        folder, _, rest = rest.partition(" ")
        component = by_folder[folder]
        match word:
            case "nowhere" if component.results:
                problems.append((component, f"{component.base_dir or 'its temporary folder'}: is not there"))
            case "nothing":
                problems.append((component, f"{rest}: matches nothing"))
            case "dangling":
                problems.append((component, f"{rest}: is a link to nothing"))
            case "unread":
                problems.append((component, f"{rest}: cannot be read, or not all of it"))
            case "file" | "output":
                size, path = rest.split(" ", 1)
                where = f"{folder_of(component)}/{OUTPUT}" if word == "output" else place(component, path)
                results[where] = Result(component, path, int(size), where)
    return Listed(results, tuple(problems), system)


# list FOLDER: answers each regular file that $pattern names, or that is below a folder that it names, and each link to
# one. (A link to a folder is followed where $pattern names it, not below: that may lead anywhere.) What comes of a
# variable is expanded, and with no IFS it stays one word.
COLLECT = r"""
list() {
  IFS=
  set -- "$1" $pattern
  unset IFS
  folder=$1
  shift
  if ! [ -e "$1" ] && ! [ -h "$1" ]; then answer "nothing $folder $pattern"; return; fi
  for path; do
    [ -e "$path" ] || answer "dangling $folder $path"
    case $path in /*) ;; *) path=./$path ;; esac
    find -H "$path" -type f -printf "file $folder %s %p\\0" 2>/dev/null || answer "unread $folder $path"
    find -H "$path" -type l -xtype f -print0 2>/dev/null | xargs -0 -r stat -L --printf "file $folder %s %n\\0"
  done
}
list_output() {
  find "$state/$1/output" -type f -printf "output $1 %s %p\\0" 2>/dev/null
}
answer "system $(uname -srm); $(screen --version 2>/dev/null)"
"""

# Two blocks of zeros end a tar stream; with a blocking factor of 1, nothing follows them.
OBEY = r"""
list=$(mktemp "${TMPDIR:-/tmp}/remote-runner.XXXXXXXXXX") || fail "no temporary file can be made; is /tmp full?"
exec 3>&1 9<>"$list"
rm -f "$list"
list=/proc/$$/fd/9  # it goes on as long as it is open
export LC_ALL=C
while read -r order folder size; do
  said=
  head -c "$size" >"$list"
  into "$folder" || cd /
  case $order in
    hash) xargs -0 openssl dgst -sha1 -r <"$list" 2>/dev/null | tr '\n' '\0' ;;
    fetch) said=$(tar -b 1 -chPf - --no-recursion --hard-dereference --null -T "$list" 2>&1 >&3) ;;
    end) return ;;
  esac
  answer "$order $said"
done
"""
