# Sessions of GNU screen.
#
# screen matches the name of a session by prefix. So names are compared here, whole, and a session is only addressed
# as PID.NAME. Every process that screen starts has `STY=PID.NAME` in its environment.
# Needs from the header: session.
. ./prologue.sh

# list_sessions: print PID.NAME of all sessions of this user, dead ones too.
# In the output of `screen -ls`, the lines of sessions begin with a tab and a process id.
list_sessions() {
  tab=$(printf '\t')
  screen -ls 2>/dev/null | while IFS= read -r line; do
    case $line in "$tab"[0-9]*) ;; *) continue ;; esac
    id=${line#"$tab"}
    printf '%s\n' "${id%%"$tab"*}"
  done
}

# named and living: of the sessions on standard input, print those whose name is $session, and those that run.
named() { while IFS= read -r id; do [ "${id#*.}" = "$session" ] && printf '%s\n' "$id"; done; }
living() { while IFS= read -r id; do is_screen "${id%%.*}" && printf '%s\n' "$id"; done; }

# own_sessions: print the sessions named $session that run.
own_sessions() { list_sessions | named | living; }

# find_session: set $id to the session named $session, or to nothing if there is none.
find_session() {
  # shellcheck disable=SC2046 # one word for each session; names have no spaces
  set -- $(own_sessions)
  [ $# -lt 2 ] || fail "there are $# screen sessions named \"$session\"; kill all of them with: $controller_program kill"
  id=${1-}
}

# need_session: find_session, or fail.
need_session() {
  find_session
  [ "$id" ] || fail "no screen session named \"$session\"; start one with: $controller_program screen"
}
