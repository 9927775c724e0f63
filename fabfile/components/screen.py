"""What is said to screen about whole sessions, beside the reading of what comes back. Pure.

screen matches the name of a session by prefix, so names are compared here, whole, and a session is
only ever addressed by its full PID.NAME. Every process that screen starts has `STY=PID.NAME` in its
environment: by that, and by descent, the processes of a session are found when it is to end.
"""

import re
from collections.abc import Iterable

import attrs

from ..remote import shell, state_dir

# What `screen -S` takes without harm: no slash, no dot or dash in front, and room for PID. in a file name.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+@=-]{0,79}")
# 100 if a session is not told, 2048 at most; beyond it, windows vanish without a word.
MOST_WINDOWS = 2000


@attrs.frozen
class Killed:
    """What the end of the old sessions of a host took with it."""

    sessions: tuple[str, ...]
    processes: int


@attrs.frozen
class Session:
    """The session of a host, as `PID.NAME`; `is_new` unless it was there before."""

    id: str
    is_new: bool


def kill_script(session: str) -> str:
    """LogTails every session of exactly that name, and every process started in one.

    TERM first, KILL after five seconds.
    """
    return f"need screen\n{state_dir.hold(session)}{SESSIONS}{PROCESSES}{KILL}"


def read_killed(answers: Iterable[str]) -> Killed:
    """What `kill_script` answered."""
    words = [answer.split(" ", 1) for answer in answers]
    count = next(int(value) for word, value in words if word == "processes")
    return Killed(tuple(value for word, value in words if word == "session"), count)


def screen_script(session: str, zombie: bool) -> str:
    """Makes sure that there is one session of that name; uses the one that is there, if there is."""
    screenrc = shell.quote(screen_rc(zombie))
    return f'need screen\n{state_dir.hold(session)}{SESSIONS}printf %s {screenrc} >"$state/.screenrc"\n{SCREEN}'


def read_session(answers: Iterable[str]) -> Session:
    """What `screen_script` answered."""
    word, id_ = next(iter(answers)).split(" ", 1)
    if word not in ("new", "old"):
        raise ValueError(word)
    return Session(id_, is_new=word == "new")


def screen_rc(zombie: bool) -> str:
    """The settings of a session. They must be there before its first window: `-X` comes too late."""
    settings = [
        "startup_message off",
        "defutf8 on",
        f"maxwin {MOST_WINDOWS}",
        "defscrollback 10000",
        "shelltitle shell",
    ]
    if zombie:
        settings.append("zombie q")
    return "".join(f"{setting}\n" for setting in settings)


# is_screen PID: whether that is the server of a session of this user.
IS_SCREEN = """\
is_screen() {  # a zombie is none
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return
  case $stat in "$1 (screen) "[!ZX]*) [ -O "/proc/$1" ] ;; *) return 1 ;; esac
}
"""

# listed: prints PID.NAME of all sessions of this user, of dead ones too; named and living pick, from such
# lines, those of exactly this name, and those that have a screen. sessions: those that are both.
# Of `screen -ls`, only the lines that begin with a tab and a process id are read, and of those only that.
SESSIONS = (
    IS_SCREEN
    + """\
listed() {
  tab=$(printf '\\t')
  screen -ls 2>/dev/null | while IFS= read -r line; do
    case $line in "$tab"[0-9]*) ;; *) continue ;; esac
    id=${line#"$tab"}
    printf '%s\\n' "${id%%"$tab"*}"
  done
}
named() { while IFS= read -r id; do [ "${id#*.}" = "$session" ] && printf '%s\\n' "$id"; done; }
living() { while IFS= read -r id; do is_screen "${id%%.*}" && printf '%s\\n' "$id"; done; }
sessions() { listed | named | living; }
find_session() {  # sets id, to nothing where there is none
  set -- $(sessions)
  [ $# -lt 2 ] || fail "there are $# screen sessions named $session; end all of them with: fab kill"
  id=${1-}
}
"""
)

# own_window FOLDER TITLE: sets $window to the number of the window of a component, if it is still there. That of one
# that has ended may have been closed, and its number given to another.
OWN_WINDOW = """\
own_window() {
  { read -r window <"$1/window" && read -r session_of_window <"$1/session"; } 2>/dev/null || return
  [ "$session_of_window" = "$id" ] && [ "$window" ] || return
  running "$1" || [ "$(timeout 5 screen -S "$id" -p "$window" -Q title 2>/dev/null)" = "$2" ]
}
"""

# members: prints the process ids of all that has a line of $marks in its environment, or descends from
# $roots. $screens, the servers of all sessions, are none, and nothing is looked for below them: they are
# the sessions that end themselves, or others that were started from a window.
# end_members: ends them and $servers, with TERM, and with KILL what is left after five seconds. await_end: the
# second half of it, for what has got a signal already ($found); then what still is there gets KILL. What is found
# counts even if it is gone at the next moment, and it looks again, more often where new processes have come,
# before it believes that nothing is left: a program may fork faster than we look.
CLOCK = """\
clock() { read -r clock _ </proc/uptime; clock=${clock%.*}${clock#*.}; }  # in 1/100 s
"""

PROCESSES = (
    CLOCK
    + """\
births=' '  # of processes of ours: PID.BEGAN, as the kernel counts; the id may become that of another process
note_births() {
  births="$births$(for pid in $1; do
    { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
    set -- ${line##*) }  # behind the name, which may hold spaces: state, ..., and when it began
    printf '%s.%s ' "$pid" "${20}"
  done)"
}
is_another() {  # PID: whether it is that of another process by now
  case $births in *" $1."*) ;; *) return 1 ;; esac
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return
  asked=$1
  set -- ${line##*) }
  case $births in *" $asked.${20} "*) return 1 ;; esac
}
members() {
  { [ -z "$marks" ] || marked; descendants; } | while read -r pid; do
    case $screens in
      *" $pid "*) ;;
      *) { [ -O "/proc/$pid" ] || [ ! -e "/proc/$pid" ]; } && echo "$pid" ;;
    esac
  done | sort -u
}
marked() {
  grep -lzxsF --line-buffered "$marks" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do echo "$pid"; done
}
descendants() {
  family=" $(echo $(for pid in $roots; do is_another "$pid" || echo "$pid"; done)) "
  [ -n "$roots" ] || return
  table=$(cat /proc/[0-9]*/stat 2>/dev/null)
  before=
  while [ "$family" != "$before" ]; do
    before=$family
    while IFS= read -r line; do
      pid=${line%% *}
      set -- ${line##*) }  # behind the name, which may hold spaces: state, parent, group, session
      case $family$screens in
        *" $pid "*) continue ;;
      esac
      case $family in
        *" $2 "* | *" $4 "*) family="$family$pid " ;;
      esac
    done <<END
$table
END
  done
  alive "$family"
}
alive() {  # a zombie does not count
  for pid in $1; do
    ! is_another "$pid" || continue
    { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
    case ${line##*) } in Z* | X*) ;; *) echo "$pid" ;; esac
  done
}
signal() { for pid in $2; do kill "-$1" "$pid" 2>/dev/null; done; }
end_members() {
  list_screens
  found=$(members)
  note_births "$servers $roots $found"
  signal TERM "$servers $found"
  await_end 500
}
list_screens() {
  screens=' '
  for id in $(listed | living); do screens="$screens${id%%.*} "; done
}
await_end() {  # after so many 1/100 s, KILL
  known=" $(echo $servers $found) "
  clock
  kill_at=$((clock + $1))
  empty=0
  enough=2
  while [ $empty -lt $enough ]; do
    ! orphaned || exit  # what has been started since is none of its
    left=$(alive "$servers $found"; members)
    if [ -z "$left" ]; then empty=$((empty + 1)); continue; fi
    empty=0
    for pid in $left; do
      case $known in *" $pid "*) ;; *) enough=20 ;; esac
    done
    clock
    if [ "$clock" -lt $kill_at ]; then sleep 0.1; continue; fi
    cut_down
    signal KILL "$left"
    [ "$clock" -gt $((kill_at + 1000)) ] && fail "these processes do not end, even when killed: $(echo $left)"
  done
}
cut_down() {
  marked | while read -r pid; do
    case $screens in *" $pid "*) continue ;; esac
    [ -O "/proc/$pid" ] && kill -KILL "$pid" 2>/dev/null
  done
}
"""
)

KILL = """\
# A session that the user has given another name since is none of ours any more.
elsewhere=" $(for id in $(listed | living); do [ "${id#*.}" = "$session" ] || echo "${id%%.*}"; done | tr '\\n' ' ')"
ours() { while IFS= read -r id; do case $elsewhere in *" ${id%%.*} "*) ;; *) printf '%s\\n' "$id" ;; esac; done; }
ids=$({ listed | named; cat "$state/.sessions" 2>/dev/null; } | sort -u | ours)
servers=
for id in $(sessions); do servers="$servers ${id%%.*}"; done
marks=$(for id in $ids; do echo "STY=$id"; done)
roots=$servers
for id in $ids; do
  [ "$id" = "${STY-}" ] && fail "this command runs in the session that it is to end; run it elsewhere"
done
for id in $(sessions); do answer "session $id"; done
end_members
for id in $ids; do screen -wipe "$id" >/dev/null 2>&1; done  # the socket that a killed screen leaves
rm -f "$state/.sessions"
set -- $found
answer "processes $#"
"""

# Run by the host's python3, if it has one: then what has lost its parent becomes a child of the screen
# server, and not of init, and is found below it, whatever else it has done to hide (PR_SET_CHILD_SUBREAPER,
# prctl(2)). The server must not fork for that: -D.
ADOPTING = """\
import os, sys
from ..remote import state_dir
try:
    import ctypes
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
finally:
    os.setsid()
    os.execvp('screen', sys.argv[1:])
"""

SCREEN = f"""\
find_session
if [ "$id" ]; then answer "old $id"; return; fi
rm -f "$state/.logging" "$state"/.windows.*  # of a session of the same id, before a reboot
: >>"$state/.sessions"
umask "$own_umask"  # for what will run there
cd || cd /
if command -v python3 >/dev/null 2>&1; then
  python3 -c {shell.quote(ADOPTING)} screen -c "$state/.screenrc" -DmS "$session" </dev/null >/dev/null 2>&1 &
else
  screen -c "$state/.screenrc" -dmS "$session" >/dev/null 2>&1
fi
tries=0
while find_session; [ -z "$id" ]; do
  tries=$((tries + 1))
  [ $tries -gt 100 ] && fail "screen starts no session; try there: screen -dmS $session"
  sleep 0.1
done
printf '%s\\n' "$id" >>"$state/.sessions"
answer "new $id"
"""
