"""Stop components on one host: the script, and how its answer is read. Pure."""

from collections.abc import Iterable, Sequence

from rr_config import Component

from ..remote import shell, state_dir
from ..remote.state_dir import MARK
from .launcher import RUNNING
from .screen import PROCESSES, SESSIONS
from .wait import NEVER, Ended, read_ended


def stop_script(session: str, components: Sequence[Component], grace: float) -> str:
    """LogTails components, each with its `stop_signal`, and after `grace` seconds with KILL; answers how each has ended."""
    stops = "".join(f"stop {state_dir.folder(c.name)} {c.stop_signal.removeprefix('SIG')}\n" for c in components)
    return (
        f'{state_dir.hold(session)}{SESSIONS}{PROCESSES}{RUNNING}cd "$state" || fail "$state cannot be entered"\n'
        f"{STOP}{stops}hundredths={round(grace * 100)}\n{STOPPED}"
    )


def read_stopped(components: Sequence[Component], answers: Iterable[str]) -> list[Ended]:
    """What `stop_script` answered, in its order."""
    remaining = iter(answers)
    return list(read_ended(components, lambda: next(remaining, shell.DONE)))


# stop FOLDER SIGNAL: sends the signal to the program and all that it started, in its group and out of it.
STOP = f"""\
servers=
stopping=
all_roots=
all_marks=
everyone=
list_screens
stop() {{
  if ! running "$1"; then answer "ended $1 {NEVER}"; return; fi
  roots=$pid
  marks="{MARK}=$state/$1"
  found=$(members)
  note_births "$roots $found"
  signal "$2" "$found"
  stopping="$stopping $1"
  all_roots="$all_roots $roots"
  all_marks="$all_marks
$marks"
  everyone="$everyone $found"
}}
"""


# The launcher writes down the status, as soon as it can.
STOPPED = """\
[ "$stopping" ] || return 0
roots=$all_roots
marks=${all_marks#?}
found=$everyone
await_end $hundredths
tries=0
for folder in $stopping; do
  while [ ! -s "$folder/status" ] && [ $tries -lt 50 ]; do tries=$((tries + 1)); sleep 0.02; done
  status=killed
  { read -r status <"$folder/status"; } 2>/dev/null
  answer "ended $folder $status"
done
"""
