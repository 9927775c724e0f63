# fab screen: start a session of that name, unless there is one.
# Needs from the header: session, tools, screenrc, subreaper, and as arguments what check_requirements takes.
# Answers: new PID.NAME, or old PID.NAME.
. ./hold.sh
. ./requirements.sh
. ./screen.sh

main() {
  # shellcheck disable=SC2086 # one word for each tool
  need $tools
  check_requirements "$@"
  hold_session
  printf %s "$screenrc" >"$state/.screenrc"
  find_session
  if [ "$id" ]; then
    answer "old $id"
    return
  fi
  rm -f "$state/.logging" "$state"/.windows.* # of a session that had the same id before a reboot
  : >>"$state/.sessions"
  start_server
  tries=0
  while
    find_session
    [ -z "$id" ]
  do
    tries=$((tries + 1))
    [ $tries -le 100 ] || fail "screen starts no session; try there: screen -dmS $session"
    sleep 0.1
  done
  printf '%s\n' "$id" >>"$state/.sessions"
  answer "new $id"
}

# start_server: start screen with the user's umask, in the home folder. If the host has Python, the server becomes a
# subreaper; see subreaper.py. For that it must not fork (-D).
start_server() {
  umask "$own_umask"
  cd || cd /
  if command -v python3 >/dev/null 2>&1; then
    python3 -c "$subreaper" screen -c "$state/.screenrc" -DmS "$session" </dev/null >/dev/null 2>&1 &
  else
    screen -c "$state/.screenrc" -dmS "$session" >/dev/null 2>&1
  fi
}
