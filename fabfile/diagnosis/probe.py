"""What a host is asked before anything is started on it, and what it answers. Pure.

One script asks all, and changes nothing there. What the answers mean for a run, `diagnosis` knows.
"""

import os
import re
from collections.abc import Iterable, Mapping

import attrs

from ..components.requirements import FINDS
from ..remote import shell, state_dir
from ..transfer.tree import TEMPORARY
from ..util.epoch import epoch_time
from .packages import NEEDED, UNATTENDED, Manager

LOOKED = "looked"


@attrs.frozen
class Root:
    """Where a root is, and what the host says of it: `there`, `new` where it is to be made below that, or `lost`."""

    word: str
    path: str


@attrs.frozen
class Facts:
    """What a host says of itself.

    `missing` are packages that scripts need, `lacking` programs that components do. Processes and terminals are how
    many there may be, None without limit, and how many there are.
    """

    user: str
    missing: tuple[str, ...]
    lacking: tuple[str, ...]
    manager: Manager | None
    processes: tuple[int | None, int] | None
    terminals: tuple[int | None, int] | None
    roots: Mapping[str, Root]

    @property
    def can_tell_of_files(self) -> bool:
        """Whether it has the programs that say which files are there."""
        return not {"coreutils", "findutils"} & set(self.missing)


def examination_script(session: str, programs: Iterable[str], roots: Iterable[str]) -> str:
    """Answers what it is asked for in any case, and LOOKED; then each order: what it says, and an empty record."""
    lines = [
        f"if {{ {test}; }} </dev/null >/dev/null 2>&1; then answer 'has {name}'; fi" for name, test in NEEDED.items()
    ]
    lines.append(FINDS)
    for name in map(shell.quote, programs):
        lines.append(f"finds {name} || answer 'lacks '{name}")
    lines += [state_dir.where(session) + LOOK, "set --"]
    for root in roots:
        if root.startswith(TEMPORARY):
            lines.append(f"temporary_root {shell.quote(state_dir.folder(root.removeprefix(TEMPORARY)))}")
        else:
            lines.append(f"root={shell.path(root)}; there=there")
        lines.append('tell_root; set -- "$@" "$root"')
    return "\n".join([*lines, f"answer {LOOKED}", OBEY])


def read_facts(roots: Iterable[str], answers: Iterable[str]) -> Facts:
    """What `examination_script` answers up to LOOKED."""
    words = [answer.split(" ", 1) for answer in answers]
    one = dict(words)
    has = {rest for word, rest in words if word == "has"}
    user, _, number = one["user"].rpartition(" ")
    manager = Manager(one["manager"], number == "0", "sudo" in one) if one["manager"] in UNATTENDED else None
    places = [Root(*rest.split(" ", 1)) for word, rest in words if word == "root"]
    return Facts(
        user,
        tuple(name for name in NEEDED if name not in has),
        tuple(rest for word, rest in words if word == "lacks"),
        manager,
        _limit(one["processes"]),
        _limit(one["terminals"]),
        dict(zip(roots, places, strict=True)),
    )


def _limit(words: str) -> tuple[int | None, int] | None:
    limit, _, number = words.partition(" ")
    if not number.isdigit() or not (limit.isdigit() or limit == "unlimited"):
        return None
    return int(limit) if limit.isdigit() else None, int(number)


@attrs.frozen(order=True)
class Sample:
    """A look at a host's clock: how long it took, and by how much that is ahead, in seconds."""

    round_trip: float
    ahead: float


def read_clock(there: str, sent: float, received: float) -> Sample | None:
    """What `date +%s.%N` says, compared with the middle of when it was asked and has answered."""
    seconds = re.match(r"\d+(\.\d+)?", there)
    return Sample(received - sent, epoch_time(float(seconds[0])) - (sent + received) / 2) if seconds else None


def read_volumes(records: Iterable[bytes]) -> dict[str, tuple[bytes, int]]:
    """By folder, the number of its file system, and the bytes that are free there."""
    found = {}
    for record in records:
        number, blocks, size, path = record.split(b" ", 3)
        found[os.fsdecode(path)] = (number, int(blocks) * int(size))
    return found


# temporary_root FOLDER: sets root to a component's temporary folder, or to that in which it will be made.
# Root may have as many processes as it likes. Each thread counts. (dash's `read` gets only the first digit of a number
# in /proc/sys: it reads by bytes, and there all but the first read is empty.)
LOOK = """\
answer "user $(id -un) $(id -u)"
answer "manager $(package_manager)"
if command -v sudo >/dev/null 2>&1; then answer 'sudo yes'; fi
limit=
while read -r kind unit soft _; do
  case "$kind $unit" in 'Max processes') limit=$soft ;; esac
done </proc/self/limits
[ "$(id -u)" != 0 ] || limit=unlimited
number=0
for task in /proc/[0-9]*/task/[0-9]*; do [ ! -O "$task" ] || number=$((number + 1)); done
answer "processes $limit $number"
answer "terminals $(cat /proc/sys/kernel/pty/max 2>/dev/null) $(cat /proc/sys/kernel/pty/nr 2>/dev/null)"
temporary_root() {
  there=there
  if { read -r root <"$state/$1/base_dir" && [ -d "$root" ] && [ -O "$root" ]; } 2>/dev/null; then return; fi
  there=new
  root=${TMPDIR:-/tmp}
}
tell_root() {
  case $root in /*) [ -d "$root" ] ;; *) false ;; esac || there=lost
  answer "root $there $root"
}
"""

# clock: the time there. files, folders NUMBER SIZE: what is known of paths below that root, a list of that size.
OBEY = r"""
while read -r order number size && [ "$order" != end ]; do
  case $order in
    clock) answer "$(date +%s.%N)"; continue ;;
    files) look="stat -L --printf '%f %s %n\0' --" ;;
    folders) look="stat -f --printf '%i/%b %a %S %n\0' --" ;;
  esac
  head -c "$size" | { eval "cd -- \"\${$number}\" && xargs -0 -r $look" 2>/dev/null || cat >/dev/null; }
  answer ''
done
"""
