"""What a host keeps of a session, and where. Pure.

`${XDG_STATE_HOME:-$HOME/.local/state}/remote-runner/MACHINE/SESSION/`, mode 0700, holds one folder a component.
(MACHINE is what `uname -n` says: machines may share a home, but neither sessions nor process ids.)

    launcher       the script that runs it       launcher.pid   process id of the launcher
    pid            process id of the program     status         its exit status, once it has ended
    started        when, in seconds since 1970   ended          likewise
    born           `started` as the kernel counts it, by which the process is known again
    ticket         the token of the window that is to start it, which makes `begun.TOKEN` when it does: no other may
    output         all that its window showed    times          when that had grown, and to which size
    base_dir       its temporary folder, if it has one
    origin         with what it was started, as a JSON text (see `record`)
    session        the screen session that it was started in, as PID.NAME
    window         the number of its window there
    ready          when it became ready, if it says when it is; `check` and `check.output`: of util.command
    unready        why a start has given up waiting for that
    status.room    where `status` will be written, and `ended.room` likewise: made while there is room on the disk

and, with a dot in front so that no component can be named alike: `.sessions` (each screen session
that was started here, as PID.NAME), `.logging` (the one whose windows are logged), `.screenrc`, `.windows.PID` (what a
script has told screen to open), `.order.PID` (of a script that waits), `.note-times` (the script that writes `times`),
`.noting` (the process that runs it, and for which screen session), `.staging` (the folders where a sync puts files
first) and `.held.PID.BORN` (by which controller the session is being changed, over which process, and by which
scripts).
"""

import hashlib
import re

from . import shell

# The variable by which a program, and all that it starts, can be known: the folder of its component.
MARK = "REMOTE_RUNNER_COMPONENT"

UNSAFE = re.compile(rb"[^A-Za-z0-9_.-]|^[.-]")
LONGEST = 200


def folder(name: str) -> str:
    """The name of a component's folder: a different one for each name, safe in sh, screen and any path."""
    encoded = name.encode("utf-8", "surrogateescape")
    safe = UNSAFE.sub(lambda match: b"=%02X" % match[0][0], encoded).decode()
    if len(safe) <= LONGEST:
        return safe
    # No encoded name has '==': an '=' is always followed by two digits.
    return f"{safe[: LONGEST - 42]}=={hashlib.sha1(encoded, usedforsecurity=False).hexdigest()}"


def keep(session: str) -> str:
    """Lines of sh that set `$session` and `$state`, the folder above, and make it if need be."""
    return where(session) + KEEP


def where(session: str) -> str:
    """Lines of sh that set `$session` and `$state`, the folder above; if it is there, it has to be ours."""
    return (
        f"session={shell.quote(session)}\n"
        "state=${XDG_STATE_HOME:-$HOME/.local/state}/remote-runner/$machine/$session\n" + OURS
    )


def hold(session: str) -> str:
    """As `keep`; and lines that see to it that no other controller changes anything of that session meanwhile."""
    return keep(session) + HOLD


# The hold is that of the connection: of the process that runs this script, sshd's or the controller's own. So all
# scripts of one controller share it, and it ends with that process, however that ends; but a script that is at work
# then goes on (sshd ends none) until it notices, and is waited for. Who finds no claim beside its own has the hold. Of
# two that find each other's, the younger controller gives up and the older waits for that: on all hosts the same one,
# so that one of them gets all ("wait-die", Rosenkrantz, Stearns, Lewis 1978). Of one process, each group of
# connections waits for the other, which may just have been closed.
HOLD = """\
lives() { look_at "${1%.*}"; [ "$its_birth" = "${1#*.}" ]; }  # PID.BORN
# at_work FILE: prints a script of that claim that lives.
at_work() {
  sed 1d "$1" 2>/dev/null | while read -r one; do ! lives "$one" || echo "$one"; done | head -n 1
}
# others: sets $holder and $by to another claim whose process lives, and $born to its age if it is not younger.
others() {
  holder=
  for other in "$state"/.held.*; do
    whose=${other##*/.held.}
    [ "$whose" != "$claim" ] || continue
    is_lost=
    lives "$whose" || { is_lost=1 whose=$(at_work "$other"); }
    if [ -z "$whose" ]; then rm -f "$other"; continue; fi
    { read -r born group words <"$other"; } 2>/dev/null || continue
    holder=$whose by=$words
    [ -z "$is_lost" ] || continue  # it ends as soon as it notices
    [ "$born" -ge "$controller_born" ] && [ "$born.$group" != "$controller_born.$own_group" ] || return
  done
  born=
}
hold() {
  [ "$owner_born" ] || return 0  # nobody could see when it ends
  claim=$owner.$owner_born
  look_at $$
  script=$$.$its_birth
  if grep -qxs held "$state/.held.$claim"; then echo "$script" >>"$state/.held.$claim"; return; fi
  { printf '%s\n' "$controller_born $own_group $controller" "$script" >"$state/.held.$claim"; } 2>/dev/null ||
    return 0  # nobody can
  tries=0
  while others; [ "$holder" ]; do
    tries=$((tries + 1))
    if [ "$born" ] || [ $tries -gt 300 ]; then
      release
      fail "$by works on the session $session, over process ${holder%.*} of this host; let that end, or end it"
    fi
    sleep 0.2
  done
  echo held >>"$state/.held.$claim"
}
release() { rm -f "$state/.held.$claim"; }
hold
"""

OURS = """\
for folder in "${state%/*/*}" "${state%/*}" "$state"; do
  if [ -h "$folder" ] || { [ -e "$folder" ] && [ ! -O "$folder" ]; }; then
    fail "$folder belongs to another user, or is a link; take it away"
  fi
done
"""

# What is made from here on, nobody else can read; $own_umask is for what is none of ours.
KEEP = """\
own_umask=$(umask)
umask 077
[ -d "$state" ] || mkdir -p "$state" || fail "$state cannot be made; is there room, may you write there?"
chmod go= "${state%/*/*}" "${state%/*}" "$state" 2>/dev/null  # of another version, perhaps; or on a read-only disk
"""

# own_temporary FOLDER: sets $dir to a component's temporary folder, if it has one, and that is there and ours.
OWN_TEMPORARY = """\
own_temporary() {
  { read -r dir <"$state/$1/base_dir" && [ -d "$dir" ] && [ -O "$dir" ] && [ ! -h "$dir" ]; } 2>/dev/null
}
"""

# temporary FOLDER: prints it; it is made when it is first asked for.
TEMPORARY = f"""\
{OWN_TEMPORARY}\
temporary() {{
  if ! own_temporary "$1"; then
    dir=$(mktemp -d "${{TMPDIR:-/tmp}}/remote-runner.XXXXXXXXXX") || return
    (umask 077; mkdir -p "$state/$1" && printf '%s\\n' "$dir" >"$state/$1/base_dir") || return
  fi
  printf '%s' "$dir"
}}
"""
