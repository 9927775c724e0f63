# fab start, for the components of one start index: open a window for each, and wait until they are ready.
# Needs from the header: session, owner, owner_text, replace, and
#   origin        a text that is kept beside each component
#   launcher      the common part of all launchers
#   note_taker    that script
#   sample        the interval of samples in seconds, 0 for none; see sampler.sh
#   output_lines  see readiness.sh
#   secrets       a script that exports the secrets of components, or nothing
#   is_last       this is the last start index on the host: unlock the session at the end
# Its arguments are eight words for each component:
#   FOLDER TITLE TITLE-IN-RC LAUNCHER-HEADER HAS-TEMPORARY READY-KIND READY-VALUE READY-HUNDREDTHS
# Answers, in any order: running FOLDER PID, started FOLDER PID, failed FOLDER STATUS TEXT, unready FOLDER
# taken (its port is in use), and the answers of readiness.sh. STATUS is `-` if no window has started the program.
# `unready FOLDER STATUS` without a readiness condition means that the program ended at once with 126 or 127.
. ./session_lock.sh
. ./temporary.sh
. ./ownership.sh
. ./screen.sh
. ./window.sh
. ./readiness.sh
. ./start_note_taker.sh
. ./adopt_programs.sh

main() {
  need screen
  lock_session
  take_ownership
  need_session
  enter_state_dir
  begin_window_list
  pending='' started='' ended='' failed='' following='' old_windows='' awaited=' '
  { echo "$sample" >.sample; } 2>/dev/null || : # the disk may be full
  adopt_programs "$@"
  keep_secrets
  add_components "$@"
  open_windows
  await_programs
  report_programs
  await_readiness "$@"
  await_daemons
  [ -z "$is_last" ] || unlock_session
}

# keep_secrets: put $secrets into a file that has no name before they are in it. Launchers read it as /proc/PID/fd/9, and
# the kernel removes it with this script. If possible, it is in memory. Children must not inherit it.
keep_secrets() {
  [ "$secrets" ] || return 0
  for place in "${XDG_RUNTIME_DIR:-/dev/shm}" /dev/shm "${TMPDIR:-/tmp}"; do
    file=$(mktemp "$place/remote-runner.secrets.XXXXXXXXXX" 2>/dev/null) && break
  done
  [ "$file" ] || fail "cannot create a temporary file; is /tmp full?"
  exec 9<>"$file"
  rm -f "$file"
  printf '%s\n' "$secrets" >&9 || fail "cannot write a temporary file; is /tmp full?"
}

# begin_window_list: begin the file $windows of commands for screen, which reads it when it likes.
# `logfile` may be given once for a session only: it moves the log of the window before, too. `%t` in it is the title,
# so a window is opened with its folder as title and renamed after that. `flush 0` writes output to the log at once,
# not every 10 s.
begin_window_list() {
  windows=.windows.$$
  path=$(printf '%s' "$state" | sed "s/'/'\\\\\"'\\\\\"'/g")
  : >"$windows"
  [ "$(cat .logging 2>/dev/null)" = "$id" ] ||
    printf "logfile flush 0\nlogfile '%s/%%t/output'\n" "$(printf '%s' "$path" | sed 's/[%^]/&&/g')" >"$windows"
}

# add_components WORDS: write the files of each component that does not run, and add its window to $windows.
add_components() {
  chosen=' '
  choose_components "$@"
  close_old_logs
  while [ $# -gt 0 ]; do
    ! is_orphaned || exit
    case $chosen in *" $1 "*) add_component "$1" "$3" "$4" "$5" ;; esac
    shift 8
  done
}

# choose_components WORDS: set $chosen to the components that do not run, and $old_windows to the windows of these.
choose_components() {
  while [ $# -gt 0 ]; do
    ! is_orphaned || exit
    revoke_ticket "$1"
    if is_running "$1"; then
      answer "running $1 $pid"
      awaited="$awaited$1 "
      ensure_note_taker
    elif [ "$6" = port ] && is_listening "$7"; then
      answer "unready $1 taken "
    else
      chosen="$chosen$1 "
      ! find_window "$1" "$2" || old_windows="$old_windows $window"
    fi
    shift 8
  done
}

# close_old_logs: have screen close the logs of $old_windows. It adds a line when it notices the end of a program. That may
# be late, and would then go to the new output, which has the same path. screen obeys `-X` later, but in order, so an
# answer to `-Q` means that the logs are closed.
close_old_logs() {
  [ "$old_windows" ] || return 0
  for window in $old_windows; do screen -S "$id" -p "$window" -X log off; done
  timeout 5 screen -S "$id" -p "$window" -Q title >/dev/null 2>&1
}

# revoke_ticket FOLDER: make sure that no window that was opened earlier starts the component. If one is about to,
# wait for it. Either this script or the window creates the file `begun.TICKET` (noclobber: O_EXCL of open(2)).
revoke_ticket() {
  read_note "$1" ticket
  ticket=$note
  [ "$ticket" ] || return 0
  echo revoked >"$1/ticket"
  set -C
  { true >"$1/begun.$ticket"; } 2>/dev/null && ticket=
  set +C
  [ "$ticket" ] && { read -r begun_in <"$1/begun.$ticket"; } 2>/dev/null && [ "$begun_in" = "$id" ] || return 0
  tries=0
  while [ ! -s "$1/status" ] && ! is_running "$1" && launcher_is_anywhere "$1"; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "$state/$1/launcher hangs; kill it with: $controller_program kill"
    sleep 0.1
  done
}

# launcher_is_anywhere FOLDER: whether any process has this launcher in its command line. grep reads the pattern from
# standard input: as an argument, it would find itself.
# shellcheck disable=SC2062 # the pattern is not an argument
launcher_is_anywhere() { echo "$state/$1/launcher" | grep -qzxsF -f - /proc/[0-9]*/cmdline; }

# add_component FOLDER TITLE-IN-RC LAUNCHER-HEADER HAS-TEMPORARY
add_component() {
  mkdir -p "$1" || fail "cannot create $state/$1; is the disk full?"
  { [ -O "$1" ] && [ ! -h "$1" ]; } || fail "$state/$1 belongs to another user, or is a symbolic link; remove it"
  rm -f "$1/pid" "$1/born" "$1/status" "$1/started" "$1/ended" "$1/launcher.pid" "$1/session" "$1/boot" "$1/window" \
    "$1/output" "$1/ready" "$1/was_ready" "$1/times" "$1/stopped" "$1/closed" "$1/length" "$1/unexecuted" "$1/tag" "$1/begun" \
    "$1/following" "$1/usage.csv" "$1"/*.room "$1"/begun.*
  { printf '%s' "$origin" >"$1/origin" && printf '%s%s' "$3" "$launcher" >"$1/launcher"; } ||
    fail "cannot write $state/$1; is the disk full?"
  : >"$1/output"
  [ -z "$4" ] || make_temporary "$1" || fail "cannot create a temporary folder; is /tmp full?"
  echo "$$" >"$1/ticket"
  printf "screen -L -t %s sh '%s/%s/launcher' %s\ntitle %s\n" "$1" "$path" "$1" "$$" "$2" >>"$windows"
  pending="$pending $1"
}

# open_windows: let screen read $windows, and close the windows of earlier starts. The new ones come first: a session
# ends with its last window. screen parses the words of `-X` once more; in a file that it reads, quotes hold.
open_windows() {
  source=$(printf '%s' "$state/$windows" | sed "s/[\\\\\$^\"']/\\\\&/g")
  [ -z "$pending" ] || { screen -S "$id" -X source "$source" >/dev/null 2>&1 && echo "$id" >.logging; }
  for window in $old_windows; do screen -S "$id" -p "$window" -X kill; done
}

# await_programs: sort $pending into $started, $ended, and $following, whose launchers look for a daemon. Give up if nothing has happened for 15 s.
await_programs() {
  tries=0
  while [ -n "$pending" ] && [ $tries -le 300 ]; do
    ! is_orphaned || exit
    left=
    for folder in $pending; do
      if is_running "$folder"; then
        started="$started $folder"
      elif [ -s "$folder/status" ]; then
        ended="$ended $folder"
      elif [ -e "$folder/following" ]; then
        following="$following $folder"
      else
        left="$left $folder"
      fi
    done
    if [ "$left" = "$pending" ]; then
      tries=$((tries + 1))
    else
      tries=0
      ensure_note_taker
    fi
    pending=$left
    [ -z "$pending" ] || sleep 0.05
  done
  rm -f .windows.* # also those of scripts that were cut off: screen reads them one after the other
}

# report_programs: answer for each component that was added. A program that lacks something ends with 126 or 127 as
# soon as it begins, for example `#!/usr/bin/env PROGRAM` without that program. So watch it for a moment. The launcher
# creates the file `unexecuted` if there was no program to begin with.
report_programs() {
  for folder in $pending; do
    if [ -e "$folder/begun.$$" ]; then answer "failed $folder - begun"; else answer "failed $folder - "; fi
  done
  tries=0
  while [ "$started" ] && [ $tries -lt 30 ] && { [ $tries -eq 0 ] || is_beginning; }; do
    tries=$((tries + 1))
    sleep 0.1
  done
  find_following
  for folder in $following; do
    read -r pid <"$folder/pid"
    answer "started $folder $pid"
    awaited="$awaited$folder "
  done
  for folder in $started $ended; do
    read_note "$folder" status
    case $note in
      126 | 127) failed="$failed $folder" ;;
      *)
        read -r pid <"$folder/pid"
        answer "started $folder $pid"
        awaited="$awaited$folder "
        ;;
    esac
  done
  last_check=
  for folder in $failed; do
    read_note "$folder" status
    if [ -e "$folder/unexecuted" ]; then
      answer "failed $folder $note $(print_output "$folder" 2000 | tr -d '\000')"
    else
      answer "unready $folder $note $last_check
$(output_end "$folder" "$output_lines")"
    fi
  done
}

# find_following: move components from $started to $following if their launchers look for a daemon by now.
find_following() {
  left=
  for folder in $started; do
    if [ -e "$folder/following" ]; then following="$following $folder"; else left="$left $folder"; fi
  done
  started=$left
}

# await_daemons: wait until the launchers of $following have found their daemons, or have not. Readiness tells that of those
# with a condition.
await_daemons() {
  tries=0
  for folder in $following; do
    [ ! -e "$folder/unready" ] || continue
    while [ $tries -lt 300 ] && [ ! -s "$folder/status" ] && ! is_running "$folder"; do
      ! is_orphaned || exit
      tries=$((tries + 1))
      sleep 0.1
    done
    read_note "$folder" status
    [ -z "$note" ] || answer "unready $folder $note $last_check
$(output_end "$folder" "$output_lines")"
  done
}

# is_beginning: whether one of $started has hardly run yet although it wants to, or has ended just now.
is_beginning() {
  for folder in $started; do
    if [ -s "$folder/status" ] || [ -e "$folder/following" ]; then continue; fi
    read -r pid <"$folder/pid"
    is_alive "$pid" || return 0
    case $stat_state in
      R | D) [ $((stat_user + stat_system)) -ge 10 ] || return 0 ;; # ticks of 1/100 s
    esac
  done
  return 1
}
