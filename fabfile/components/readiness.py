"""Readiness: the part of the start script that waits for it on the host, and what it answers. Pure.

A look at all components that are awaited is taken five times a second. What `util.command` says runs beside, by the
component's own launcher, so that it has its folder and its environment.
"""

from collections.abc import Iterable

import attrs

from rr_config import Component
from rr_config.ready import Ready

from ..remote import shell, state_dir
from . import logs

LINES = 20
LINES_OF_SCREEN = 4  # what it adds to a window in which a program has ended: two lines, each behind an empty one
# How the line begins that screen adds to the window of a program that has ended.
OF_SCREEN = "=== Command "


@attrs.frozen
class BecameReady:
    """A component is ready, `seconds` after it was started."""

    component: Component
    seconds: float


@attrs.frozen
class NotReady:
    """A component did not become ready; why, in one line, and the last lines of its `output`."""

    component: Component
    reason: str
    output: tuple[str, ...] = ()


def await_lines(components: Iterable[Component]) -> str:
    """Lines of sh that wait until each of $awaited is ready, or cannot become so any more."""
    looks = "".join(_look(state_dir.folder(c.name), c.ready) for c in components if c.ready is not None)
    return f"look_at_all() {{\n{looks}}}\n{AWAIT}" if looks else ""


def _look(folder: str, ready: Ready) -> str:
    value = port_in_hex(ready) if ready.kind == "port" else shell.quote(ready.value)
    return f"  look {folder} {round(ready.timeout * 100)} {ready.kind} {value}\n"


def port_in_hex(ready: Ready) -> str:
    """A port as /proc/net/tcp has it, see proc(5)."""
    return f"{int(ready.value):04X}"


def read_ready(component: Component, hundredths: str) -> BecameReady:
    """What the script answered of a component behind the word `ready`."""
    return BecameReady(component, int(hundredths) / 100)


def read_unready(component: Component, rest: str) -> NotReady:
    """What it answered behind the word `unready`: why, how its last check ended, and the end of its output."""
    why, _, rest = rest.partition(" ")
    checked, _, shown = rest.partition("\n")
    ready = component.ready
    if ready is None:
        raise ValueError(f"{component.label} has nothing to wait for")
    lines = [logs.rendered(line).decode(errors="replace") for line in shown.encode(errors="replace").split(b"\n")]
    match why:
        case "taken":
            reason = f"something else listens on {ready} of the host already; end that, or choose another port"
        case "late":
            reason = f"was not ready within {ready.timeout:g} s: {ready}{_last_check(checked)}"
        case "unusable":
            reason = f"grep -P of the host cannot search for its {ready}"
        case "killed":
            reason = f"was killed before it was ready: {ready}"
        case _:
            by = shell.signal_of(int(why))
            how = f"was ended by {by}" if by else f"ended with exit status {why}"
            reason = f"{how} before it was ready: {ready}"
    own = [line for line in lines if line and not line.startswith(OF_SCREEN)]
    return NotReady(component, reason, tuple(own[-LINES:]))


def _last_check(words: str) -> str:
    status, _, said = words.partition(" ")
    if not status.isdigit():
        return f"; {said or 'it'} had not ended" if status else ""
    return f"; the last time, that ended with exit status {status}" + (f": {said}" if said else "")


# port HEX: whether something listens on it.
PORT = """\
port() { grep -qsE "^ *[0-9]+: [0-9A-F]+:$1 [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6; }
"""

# look FOLDER HUNDREDTHS KIND VALUE: answers if it has become ready, or cannot; else adds it to $left.
AWAIT = f"""\
ready_port() {{ [ -z "$ended" ] && port "$2"; }}
ready_ended() {{ [ "$ended" = 0 ]; }}
ready_log() {{
  escape=$(printf '\\033')
  sed "s/$escape[[][0-?]*[ -\\/]*[@-~]//g" "$1/output" 2>/dev/null | tr -d '\\r' | LC_ALL=C grep -qaP -e "$2"
}}
ready_command() {{
  verdict=none
  {{ read -r verdict <"$1/check"; }} 2>/dev/null
  case $verdict in
    0) return ;;
    running | '') return 1 ;;
  esac
  [ -z "$ended" ] && [ "$seconds_left" -gt 0 ] && [ $((rounds % 5)) -eq 0 ] || return 1
  echo running >"$1/check"
  {{
    : >"$1/check.output"
    umask "$own_umask"
    timeout -k 1 "$seconds_left" sh "$state/$1/launcher" check >"$1/check.output" 2>&1
    echo "$?" >"$1/check"
  }} </dev/null >/dev/null 2>&1 &
  return 1
}}
look() {{
  case $awaited in *" $1 "*) ;; *) return ;; esac
  gone=
  launcher_lives "$1" || gone=killed
  status=
  {{ read -r status <"$1/status"; }} 2>/dev/null
  ended=${{status:-$gone}}
  [ -z "$ended" ] || sleep 0.3  # by then, screen has written down what the window showed
  seconds_left=0
  [ $((clock - begun)) -ge "$2" ] || seconds_left=$((($2 - clock + begun) / 100 + 1))
  "ready_$3" "$1" "$4"
  case $?/$3 in
    0/*) date +%s >"$1/ready"; answer "ready $1 $((clock - begun))"; return ;;
    2/log) why=unusable ;;
    *)
      if [ "$ended" ]; then why=$ended
      elif [ $((clock - begun)) -ge "$2" ]; then why=late
      else left="$left$1 "; return; fi ;;
  esac
  checked=
  [ "$3" != command ] || checked="$(cat "$1/check") $(tail -n 1 "$1/check.output" 2>/dev/null | tr -d '\\000')"
  echo "$why" >"$1/unready"
  answer "unready $1 $why $checked
$(tail -n {LINES + LINES_OF_SCREEN} "$1/output" 2>/dev/null | tail -c 20000 | tr -d '\\000')"
}}
for folder in $awaited; do rm -f "$folder/ready" "$folder/unready" "$folder/check" "$folder/check.output"; done
clock
begun=$clock
rounds=0
while [ "$awaited" != ' ' ]; do
  ! orphaned || exit
  clock
  left=' '
  look_at_all
  awaited=$left
  rounds=$((rounds + 1))
  [ "$awaited" = ' ' ] || sleep 0.2
done
"""
