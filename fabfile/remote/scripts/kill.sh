# fab kill: end every session of that name, and every process that was started in one.
# Needs from the header: session, tools, and as arguments what check_requirements takes.
# Answers: session PID.NAME for each session that ended, then processes COUNT.
. ./hold.sh
. ./requirements.sh
. ./processes.sh

main() {
  # shellcheck disable=SC2086 # one word for each tool
  need $tools
  check_requirements "$@"
  hold_session
  find_sessions_to_end
  for id in $(own_sessions); do answer "session $id"; done
  end_members
  for id in $ids; do screen -wipe "$id" >/dev/null 2>&1; done # the socket that a killed screen leaves behind
  rm -f "$state/.sessions"
  # shellcheck disable=SC2086 # one word for each process
  set -- $found
  answer "processes $#"
}

# find_sessions_to_end: set $ids, $servers, $marks and $roots. Sessions that this host has started count even if they
# are gone: their processes may live on.
find_sessions_to_end() {
  list_renamed
  ids=$({ list_sessions | named; cat "$state/.sessions" 2>/dev/null; } | sort -u | not_renamed)
  servers=
  for id in $(own_sessions); do servers="$servers ${id%%.*}"; done
  roots=$servers
  marks=$(for id in $ids; do echo "STY=$id"; done)
  for id in $ids; do
    [ "$id" != "${STY-}" ] || fail "this command runs in the session that it is to end; run it elsewhere"
  done
}

# list_renamed: set $renamed to the servers of sessions that have another name. A user may have renamed ours.
list_renamed() {
  renamed=' '
  for id in $(list_sessions | living); do
    [ "${id#*.}" = "$session" ] || renamed="$renamed${id%%.*} "
  done
}

# not_renamed: of the sessions on standard input, print those whose server does not have another name now.
not_renamed() {
  while IFS= read -r id; do
    case $renamed in *" ${id%%.*} "*) ;; *) printf '%s\n' "$id" ;; esac
  done
}
