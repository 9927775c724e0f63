# fab exec: run a command line in the home directory, with an empty stdin.
# Needs from the header: text (the command line), seconds (at most; empty: no limit), most (bytes of output to answer).
# Answers: output TEXT, with stdout and stderr and without NUL, then status STATUS. STATUS is 124 or 137 after the time
# limit.
. ./prologue.sh

main() {
  cd || fail "no home directory"
  printf 'output '
  { status=$({ run_command | until_late | tr -d '\000' | { head -c "$most"; cat >/dev/null; } >&4; } 3>&1); } 4>&1
  printf '\0'
  answer "status $status"
}

# until_late: pass the output on. A background process may keep it open for longer than the command runs.
until_late() {
  if [ "$seconds" ]; then timeout "$((seconds + 2))" cat; else cat; fi
}

# run_command: run it, and print its status to file descriptor 3, which `status=` reads; 4 is the answer. `timeout` ends
# its child processes, too.
run_command() {
  if [ "$seconds" ]; then
    timeout -k 1 "$seconds" sh -c "$text" </dev/null 2>&1 3>&- 4>&-
  else
    sh -c "$text" </dev/null 2>&1 3>&- 4>&-
  fi
  echo "$?" >&3
}
