# fab stop: end components, each with its signal; after the grace period, KILL ends what is left.
# Needs from the header: session, owner, owner_text, replace, hundredths (the grace period), and as arguments FOLDER SIGNAL
# for each component.
# Answers: ended FOLDER STATUS STOPPED SECONDS, as wait.sh does. STATUS is `window` if it is unknown. For a component
# that did not run, the first word is `was`, and STATUS may be `begun`: its window has not executed the program yet.
. ./session_lock.sh
. ./ownership.sh
. ./end_processes.sh
. ./own_output.sh

main() {
  lock_session
  check_owner
  enter_state_dir
  whole_session='' servers='' stopping='' all_roots='' all_marks='' all_found=''
  list_sessions
  while [ $# -gt 0 ]; do
    stop_component "$1" "$2"
    shift 2
  done
  [ "$stopping" ] || return 0
  roots=$all_roots
  marks=${all_marks#?} # without the first newline: an empty pattern would match everything
  found=$all_found
  await_end "$hundredths"
  for folder in $stopping; do report_end; done
}

# stop_component FOLDER SIGNAL: send the signal to the program and all that it started, in its process group or not.
stop_component() {
  if ! is_running "$1"; then
    folder=$1
    report_before
    return
  fi
  mark_stopped "$1"
  roots=$pid
  marks="REMOTE_RUNNER_COMPONENT=$state/$1"
  found=$(members | sort -u)
  note_births "$roots $found"
  send_signal "$2" "$found"
  stopping="$stopping $1"
  all_roots="$all_roots $roots"
  all_marks="$all_marks
$marks"
  all_found="$all_found $found"
}

# report_before: answer for $folder, whose component does not run. The state is the one that status.sh answers.
report_before() {
  read_note "$folder" session
  if [ ! -e "$folder/launcher.pid" ] || ! is_of_session "$note"; then
    answer "was $folder never  " # the last two fields are empty
  elif [ ! -s "$folder/status" ] && launcher_runs "$folder"; then
    answer "was $folder begun  "
  else
    find_loss "$folder"
    read_note "$folder" status
    answer_end "$folder" "${loss:-$note}" was
  fi
}

# is_of_session ID: whether it is the session that is there now, or there is none.
is_of_session() {
  case "${own_sessions:-" $1"} " in *" $1 "*) ;; *) return 1 ;; esac
}

# report_end: answer for $folder. The launcher needs a moment to record the exit status.
report_end() {
  tries=0
  while [ ! -s "$folder/status" ] && [ $tries -lt 50 ]; do
    tries=$((tries + 1))
    sleep 0.02
  done
  read_note "$folder" status
  answer_end "$folder" "${note:-window}"
}
