# fab kill and fab screen, and both together in fab run: end every session of that name with all of its processes, and
# start a new one.
# Needs from the header: session, owner, owner_text, replace, kill and open (what to do), screenrc, subreaper.
# Answers: session PID.NAME for each session that it is about to end, then killed COMPONENTS PROCESSES, as found at
# first, then new PID.NAME or old PID.NAME.
. ./session_lock.sh
. ./ownership.sh
. ./end_processes.sh

main() {
  lock_session
  check_owner
  [ -z "$kill" ] || kill_session
  if [ "$open" ]; then
    take_ownership
    open_session
  fi
}

kill_session() {
  whole_session=yes
  running=$(mark_all_stopped)
  find_sessions_to_end
  for id in $own_sessions; do answer "session $id"; done
  found=
  if [ "$ids" ] || [ -e "$state/.cgroups" ]; then end_members; fi
  for id in $ids; do screen -wipe "$id" >/dev/null 2>&1; done # the socket that a killed screen leaves behind
  remove_cgroups
  rm -f "$state/.sessions" "$state/.owner"
  # shellcheck disable=SC2086 # one word for each process
  set -- $found
  answer "killed $running $#"
}

# mark_all_stopped: note for each running component that this tool ends it. Print their number.
mark_all_stopped() (
  cd "$state" || return
  count=0
  for launcher_file in */launcher; do
    is_running "${launcher_file%/launcher}" || continue
    mark_stopped "${launcher_file%/launcher}" || :
    count=$((count + 1))
  done
  echo "$count"
)

# find_sessions_to_end: set $ids, $servers, $marks, $tags and $roots. Sessions that this host has started count even if they
# are gone: their processes may live on. A user may have renamed one of them: then it does not end.
find_sessions_to_end() {
  list_sessions
  ids=
  while IFS= read -r id; do
    [ "${id#*.}" = "$session" ] || continue
    case $other_servers in *" ${id%%.*} "*) continue ;; esac
    case "$ids " in *" $id "*) ;; *) ids="$ids $id" ;; esac
  done <<END
$sessions
$(cat "$state/.sessions" 2>/dev/null)
END
  servers=
  for id in $own_sessions; do servers="$servers ${id%%.*}"; done
  roots=$servers
  marks=$(for id in $ids; do echo "STY=$id"; done)
  dead_marks=$marks
  tags=$(cat "$state"/*/tag 2>/dev/null)
  for id in $ids; do
    [ "$id" != "${STY-}" ] || fail "cannot kill the session in which this command runs; run it outside of the session"
  done
}

open_session() {
  printf %s "$screenrc" >"$state/.screenrc"
  find_session
  if [ "$id" ]; then
    answer "old $id"
    return
  fi
  rm -f "$state/.logging" "$state/.usage.csv" "$state"/.windows.* # of a session that had the same id before a reboot
  { true >>"$state/.sessions"; } 2>/dev/null || fail "cannot write $state; is the disk full?"
  remove_cgroups
  create_file ".screen.$$"
  exec 9<>"$state/.screen.$$"
  rm -f "$state/.screen.$$"
  starting=$(start_server)
  tries=0
  while
    is_over=yes
    if [ $tries -lt 100 ] && { [ -z "$starting" ] || is_alive "$starting"; }; then is_over=; fi
    find_session
    [ -z "$id" ]
  do
    [ -z "$is_over" ] || fail_to_open
    tries=$((tries + 1))
    sleep 0.1
  done
  exec 9>&-
  printf '%s\n' "$id" >>"$state/.sessions"
  answer "new $id"
}

# start_server: start screen with the user's umask, in the home folder, and print its process id if that is known. If the
# host has Python, the server becomes a subreaper; see subreaper.py. For that it must not fork (-D). What screen prints
# goes to descriptor 9.
start_server() (
  enter_cgroup
  drop_tag
  umask "$own_umask"
  cd || cd /
  set -- screen -c "$state/.screenrc" -DmS "$session"
  if command -v python3 >/dev/null 2>&1; then
    set -- python3 -c "$subreaper" "$@"
  elif command -v setsid >/dev/null 2>&1; then
    set -- setsid "$@"
  else
    screen -c "$state/.screenrc" -dmS "$session" >&9 2>&9 || echo none
    return
  fi
  "$@" </dev/null >&9 2>&9 9>&- &
  echo "$!"
)

# fail_to_open: fail with what screen has printed. It prints nothing if it cannot create its socket.
fail_to_open() {
  find_screen_problem "$listing"
  said=$(tr -d '\r' <"/proc/$$/fd/9" | grep -m 1 .)
  [ ! -d "$sockets" ] || [ "$(stat -f -c '%c %d' -- "$sockets")" = '0 0' ] ||
    [ "$(stat -f -c %d -- "$sockets")" != 0 ] || problem="has no free inodes for its socket in $sockets"
  fail "screen: starts no session: ${said:-${problem:-to see why, run on the host: screen -S $session}}"
}
