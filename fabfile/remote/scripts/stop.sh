# fab stop: end components, each with its signal; after the grace period, KILL ends what is left. That includes processes
# of a component whose program has ended.
# Needs from the header: session, owner, owner_text, replace, hundredths (the grace period), folders, and as arguments
# FOLDER SIGNAL for each of these.
# Answers: ended FOLDER STATUS STOPPED SECONDS, as wait.sh does. STATUS is `window` if it is unknown. For a component
# that did not run, the first word is `was`, and STATUS may be `begun`: its window has not executed the program yet. If it
# has left processes, an answer before says how many: left FOLDER COUNT.
. ./session_lock.sh
. ./ownership.sh
. ./end_processes.sh
. ./own_output.sh

main() {
  lock_session
  check_owner
  enter_state_dir
  whole_session='' servers='' stopping='' roots='' found='' looks=0
  list_sessions
  own_renamed_sessions
  marks=$(for folder in $folders; do echo "REMOTE_RUNNER_COMPONENT=$state/$folder"; done)
  tags=$(tags_of "$folders")
  for id in $own_sessions; do servers="$servers ${id%%.*}"; done
  child_tags=" $(join "$tags") " # the server adopts processes of components that have lost their parent
  members=$(members_of_each)
  while [ $# -gt 0 ]; do
    stop_component "$1" "$2"
    shift 2
  done
  [ -z "$tags$found" ] || await_end "$hundredths" # also without $found: a program may fork faster than we can look
  for folder in $stopping; do report_end; done
  check_strangers
}

# check_strangers: fail if processes are left that may belong to a component of $folders, but have lost every sign of it, as
# behind `su -`. On a host with Python, they are children of the screen server; see subreaper.py. On a host where the user
# may create cgroups, they are in that of the session.
check_strangers() {
  [ "$servers" ] || return 0
  child_tags='' tries=0
  while find_strangers && [ $tries -lt 10 ]; do # some may be about to end, for example with their window
    tries=$((tries + 1))
    sleep 0.1
  done
  described=$(describe "$strangers")
  [ -z "$described" ] || fail "processes of an unknown component are left: $described; end them by hand, or all of the\
 session with: $controller_program kill"
}

# find_strangers: set $strangers to those that run. Fail if there are none.
find_strangers() {
  strangers=
  list_children
  list_orphans
  for pid in $children $orphans; do
    ! is_stranger "$pid" || strangers="$strangers $pid"
  done
  [ "$strangers" ]
}

# list_orphans: set $orphans to the processes in the cgroup of the session whose parents are outside.
list_orphans() {
  orphans=''
  inside=" $(join "$(cgroup_members)") "
  for pid in $inside; do
    case $all_servers in *" $pid "*) continue ;; esac
    is_alive "$pid" || continue
    case $inside in *" $stat_parent "*) continue ;; esac
    is_of_listed_session "$pid" || orphans="$orphans $pid"
  done
}

# is_stranger PID: whether this child of the screen server, or orphan, is neither a window nor of a component, and has begun
# after one of $folders.
is_stranger() {
  is_alive "$1" || return
  [ "$stat_session" != "$1" ] || [ "$stat_terminal" = 0 ] || return
  ! is_launcher "$1" || return
  ! grep -qsx "$stat_tag" ./*/tag && ! grep -qzs '^REMOTE_RUNNER_COMPONENT=' "/proc/$1/environ" || return
  for folder in $folders; do
    read_note "$folder" begun
    [ -z "$note" ] || [ "$stat_birth" -lt "$note" ] || return 0
  done
  return 1
}

# is_launcher PID: whether the process is the launcher of a component. It outlives a closed window for a moment.
is_launcher() {
  { read -r line || :; } 2>/dev/null <"/proc/$1/cmdline" # `read` joins the words and fails; see launcher_runs
  case $line in "sh$state/"*/launcher*) ;; *) return 1 ;; esac
}

# own_renamed_sessions: count the sessions in which components were started as our own, also if a user has renamed one.
own_renamed_sessions() {
  for folder in $folders; do
    read_note "$folder" session
    case $other_servers in *" ${note%%.*} "*) other_servers="${other_servers%%" ${note%%.*} "*} ${other_servers#*" ${note%%.*} "}" ;; esac
    [ -z "$note" ] || own_marks="$own_marks${own_marks:+
}STY=$note"
  done
}

# members_of_each: print FOLDER PID for each member of $folders.
members_of_each() {
  known=
  for folder in $folders; do
    ! is_running "$folder" || known="${known}start $folder $pid
$(window_of "$folder")
"
    read_note "$folder" tag
    [ -z "$note" ] || known="${known}tag $folder $note
"
  done
  members_by_name "$known$(
    LC_ALL=C grep -aszxHF "$marks" /proc/[0-9]*/environ | tr '\000' '\n' |
      sed -n 's|^/proc/\([0-9]*\)/environ:.*/\([^/]*\)$|found \2 \1|p'
  )"
}

# window_of FOLDER: print the line for descendants about the window in which a program runs.
window_of() {
  read_note "$1" launcher.pid
  echo "window $1 $stat_session $note"
}

# stop_component FOLDER SIGNAL: send the signal to the program and all that it started, in its process group or not. The
# program comes first, because it may wait for the others.
stop_component() {
  own=$(echo "$members" | awk -v name="$1" '$1 == name { print $2 }' | sort -n)
  await_begin "$1"
  if is_running "$1"; then
    mark_stopped "$1"
    case " $(join "$own") " in # a screen server is no member, but it may be the program
      *" $pid "*) ;;
      *) own="$pid $own" ;;
    esac
    roots="$roots $pid"
    stopping="$stopping $1"
  else
    # shellcheck disable=SC2086 # one word for each process
    set -- "$1" "$2" $own
    [ $# -eq 2 ] || answer "left $1 $(($# - 2))"
    folder=$1
    report_before
  fi
  note_births "$own"
  send_signal "$2" "$own"
  found="$found${own:+ $own}"
}

# await_begin FOLDER: wait while a launcher has not begun its program, or looks for a daemon; six seconds for all of them.
await_begin() {
  while [ $looks -lt 60 ] && ! is_running "$1" && [ ! -s "$1/status" ] && launcher_runs "$1"; do
    looks=$((looks + 1))
    sleep 0.1
  done
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

# report_end: answer for $folder. The launcher needs a moment to record the exit status.
report_end() {
  tries=0
  while [ ! -s "$folder/status" ] && [ $tries -lt 100 ]; do
    tries=$((tries + 1))
    sleep 0.02
  done
  read_note "$folder" status
  answer_end "$folder" "${note:-window}"
}
