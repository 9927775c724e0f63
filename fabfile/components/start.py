"""The script that starts the components of one host, each in a window, and what it answers; in which order. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence

import attrs

from rr_config import Component

from ..remote import shell, state_dir
from .launcher import LAUNCHER_LIVES, RUNNING, launcher
from .note_taker import TAKE_NOTES
from .readiness import OF_SCREEN, PORT, BecameReady, NotReady, await_lines, port_in_hex, read_ready, read_unready
from .screen import CLOCK, OWN_WINDOW, SESSIONS


@attrs.frozen
class Started:
    """A component runs, or has run already: `pid` is the process id of its program.

    `was_running` where it ran before and was left alone.
    """

    component: Component
    pid: int
    was_running: bool = False


@attrs.frozen
class NotStarted:
    """A component could not be started; `words` are the end of what its window showed."""

    component: Component
    status: int | None
    words: str

    @property
    def reason(self) -> str:
        """Why, in one line."""
        if self.status is None and self.words == BEGUN:
            return "has a window, but has not got as far as its program; does its base_dir hang? see: fab status"
        if self.status is None:
            return "screen opened no window for it; are there too many windows, or no terminals left?"
        said = [line.strip() for line in self.words.splitlines() if line.strip() and not line.startswith(OF_SCREEN)]
        words = OF_LAUNCHER.sub("", said[-1]) if said else "it said nothing"
        return f"could not be started (exit status {self.status}): {words}"


BEGUN = "begun"

# How sh begins to say that the launcher could not exec the program: with a place in our script.
OF_LAUNCHER = re.compile(r"^.*/launcher: (line )?\d+: (exec: )?")


Outcome = Started | NotStarted | BecameReady | NotReady


def in_order(components: Iterable[Component]) -> list[tuple[int, list[Component]]]:
    """The components by start index, ascending."""
    by_index: dict[int, list[Component]] = {}
    for component in components:
        by_index.setdefault(component.start_index, []).append(component)
    return sorted(by_index.items())


def start_script(session: str, components: Sequence[Component], origin: str, is_last: bool) -> str:
    """Opens a window for each component, and answers for each once it runs or cannot.

    `origin` is kept beside each that it starts: a text that tells with what it was. What `is_last` releases the session
    for other controllers.
    """
    needed = f"{SESSIONS}{CLOCK}{RUNNING}{LAUNCHER_LIVES}{OWN_WINDOW}{PORT}{state_dir.TEMPORARY}{TAKE_NOTES}"
    lines = [f"need screen\n{state_dir.hold(session)}{needed}{START}origin={shell.quote(origin)}"]
    lines += map(_component_line, components)
    lines.append(OPEN_WINDOWS + await_lines(components))
    lines += ["release"] * is_last
    return "\n".join(lines)


def _component_line(component: Component) -> str:
    title, folder = window_title(component.name), state_dir.folder(component.name)
    arguments = map(shell.quote, [folder, title, _rc_word(title), launcher(component)])
    line = " ".join(["component", *arguments, "temporary" * (component.base_dir is None)])
    if component.ready and component.ready.kind == "port":
        return f"taken {folder} {port_in_hex(component.ready)} || {line}"
    return line


def window_title(name: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in name)[:200]


def _rc_word(text: str) -> str:
    """`text` as a word of a screen rc file, where nothing is special between single quotes."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def read_started(components: Sequence[Component], answers: Iterable[str]) -> Iterator[Outcome]:
    """What `start_script` answers, as it comes."""
    by_folder = {state_dir.folder(component.name): component for component in components}
    for answer in answers:
        word, folder, value = answer.split(" ", 2)
        component = by_folder[folder]
        match word:
            case "failed":
                status, _, words = value.partition(" ")
                yield NotStarted(component, int(status) if status.isdigit() else None, words)
            case "ready":
                yield read_ready(component, value)
            case "unready":
                yield read_unready(component, value)
            case _:
                yield Started(component, int(value), was_running=word == "running")


# Output is written to the log at once (`flush 0`), not every 10 s.
# `logfile` must be said once only: it moves the log of the window before, too. So a window is opened under
# the name of its folder, which is where `%t` puts its log, and has its title after that.
# component FOLDER TITLE TITLE-IN-RC LAUNCHER [temporary]: writes down what OPEN_WINDOWS will start.
# taken FOLDER PORT: whether it is not to be started, since another program would be taken for it.
START = """\
find_session
[ "$id" ] || fail "there is no screen session named $session; start one with: fab screen"
cd "$state" || fail "$state cannot be entered"
windows=.windows.$$  # screen reads it when it likes
path=$(printf '%s' "$state" | sed "s/'/'\\"'\\"'/g")
if [ "$(cat .logging 2>/dev/null)" = "$id" ]; then : >"$windows"
else printf "logfile flush 0\\nlogfile '%s/%%t/output'\\n" "$(printf '%s' "$path" | sed 's/[%^]/&&/g')" >"$windows"; fi
# revoke FOLDER: no window that has been opened for it starts it any more; where one is about to, waits for that. Of
# this script and the window, one makes the file that says that it has begun (noclobber: O_EXCL of open(2)).
revoke() {
  token=
  { read -r token <"$1/ticket"; } 2>/dev/null
  [ "$token" ] || return 0
  echo revoked >"$1/ticket"
  set -C
  { true >"$1/begun.$token"; } 2>/dev/null && token=
  set +C
  [ "$token" ] && { read -r begun <"$1/begun.$token"; } 2>/dev/null && [ "$begun" = "$id" ] || return 0
  tries=0
  while [ ! -s "$1/status" ] && ! running "$1" && echo "$state/$1/launcher" | grep -qzxsF -f - /proc/[0-9]*/cmdline; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "$state/$1/launcher starts nothing, and does not end; end it with: fab kill"
    sleep 0.1
  done
}
taken() { ! running "$1" && port "$2" && answer "unready $1 taken "; }
component() {
  ! orphaned || exit
  revoke "$1"
  if running "$1"; then answer "running $1 $pid"; awaited="$awaited$1 "; take_notes; return; fi
  mkdir -p "$1" || fail "$state/$1 cannot be made"
  { [ -O "$1" ] && [ ! -h "$1" ]; } || fail "$state/$1 belongs to another user, or is a link; take it away"
  ! own_window "$1" "$2" || old_windows="$old_windows $window"
  rm -f "$1/pid" "$1/born" "$1/status" "$1/started" "$1/ended" "$1/launcher.pid" "$1/session" "$1/window" "$1/output" \
    "$1/ready" "$1/times" "$1/status.room" "$1/ended.room" \
    "$1"/begun.*
  printf '%s' "$origin" >"$1/origin" && printf '%s' "$4" >"$1/launcher" ||
    fail "$state/$1 cannot be written to; is the disk full?"
  : >"$1/output"
  [ -z "$5" ] || temporary "$1" >/dev/null || fail "no temporary folder can be made"
  echo "$$" >"$1/ticket"
  printf "screen -L -t %s sh '%s/%s/launcher' %s\\ntitle %s\\n" "$1" "$path" "$1" "$$" "$3" >>"$windows"
  pending="$pending $1"
}
# beginning: whether one of $started has hardly run yet, though it wants to, or has ended this moment. It may end
# with 126 or 127, since it lacks something, as `#!/usr/bin/env PROGRAM` does without the program.
beginning() {
  for folder in $started; do
    [ ! -s "$folder/status" ] || continue
    read -r pid <"$folder/pid"
    { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 0
    set -- ${stat##*) }
    case $1 in
      Z | X) return 0 ;;
      R | D) [ $((${12} + ${13})) -ge 10 ] || return 0 ;;  # ticks of 1/100 s, in user and system mode
    esac
  done
  return 1
}
pending= started= ended= failed= old_windows=
awaited=' '
"""

# screen parses what `-X` hands it once more; within the file that it is told to read, quotes hold.
OPEN_WINDOWS = r"""
source=$(printf '%s' "$state/$windows" | sed "s/[\\\\\$^\"']/\\\\&/g")
[ -z "$pending" ] || { screen -S "$id" -X source "$source" >/dev/null 2>&1 && echo "$id" >.logging; }
for window in $old_windows; do screen -S "$id" -p "$window" -X kill; done  # a session ends with its last window
tries=0
while [ -n "$pending" ]; do
  ! orphaned || exit
  left=
  for folder in $pending; do
    if running "$folder"; then started="$started $folder"
    elif [ -s "$folder/status" ]; then ended="$ended $folder"
    else left="$left $folder"; fi
  done
  [ "$left" = "$pending" ] && tries=$((tries + 1)) || { tries=0; take_notes; }
  pending=$left
  if [ $tries -gt 300 ]; then break; fi
  [ -z "$pending" ] || sleep 0.05
done
for folder in $pending; do
  if [ -e "$folder/begun.$$" ]; then answer "failed $folder - begun"; else answer "failed $folder - "; fi
done
rm -f .windows.*  # also of a script that was cut off: screen reads them one after the other
tries=0
while [ "$started" ] && [ $tries -lt 30 ] && { [ $tries -eq 0 ] || beginning; }; do
  tries=$((tries + 1))
  sleep 0.1
done
for folder in $started $ended; do
  status=
  [ -s "$folder/status" ] && read -r status <"$folder/status"
  case $status in
    126 | 127) failed="$failed $folder" ;;
    *) read -r pid <"$folder/pid"; answer "started $folder $pid"; awaited="$awaited$folder " ;;
  esac
done
[ -z "$failed" ] || sleep 0.3  # by then, screen has written down what the windows showed
for folder in $failed; do
  read -r status <"$folder/status"
  answer "failed $folder $status $(tail -c 2000 "$folder/output" 2>/dev/null | tr -d '\000')"
done
"""
