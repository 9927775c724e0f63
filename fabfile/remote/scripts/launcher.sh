# The launcher of one component. It starts the program and records its id, times and exit status.
# Needs from the header: _rr_own_base_dir (empty: the temporary folder), _rr_own_check, _rr_own_daemon (empty: the program
# is no daemon; `tag`: the daemon is the oldest process with the tag; else the path of a pid file), _rr_own_has_secrets, and
# three functions:
# _rr_own_read_environment, _rr_own_change_environment and _rr_own_program.
#
# Three processes start a program: screen runs `sh FOLDER/launcher TICKET`, which runs itself with `record`, which runs
# itself with `exec`. The first one ends with its window. It leads the kernel session of the terminal, so the kernel then sends
# SIGHUP to the program. The second one can still record the exit status.
# With `check`, readiness.sh runs the command of `util.command` in the same folder and environment.
# All variables of this file have a prefix: a variable of the program's environment must not change by accident.
. ./left_processes.sh

_rr_own_folder=${0%/*}

_rr_own_main() {
  case ${1-} in
    exec) _rr_own_exec "$2" ;;
    check) _rr_own_run_check "$2" ;;
    record) _rr_own_record "$2" ;;
    *) _rr_own_open_window "${1-}" ;;
  esac
}

# The first process. Its ticket ensures that only the newest request starts the program: screen may open a window late,
# after another command has taken over. The traps let it survive signals that are meant for the program, such as Ctrl-C.
_rr_own_open_window() {
  trap : INT QUIT TERM
  (umask 077 && set -C && _rr_own_begin "$1") 2>/dev/null || {
    echo "another command has started it since"
    exit 0
  }
  sh "$0" record "$1"
  exit
}

# _rr_own_begin TICKET: claim the start by creating the file `begun.TICKET` (with noclobber: O_EXCL of open(2)).
_rr_own_begin() { _rr_own_is_wanted "$1" && echo "${STY-}" >"$_rr_own_folder/begun.$1" && _rr_own_is_wanted "$1"; }
_rr_own_is_wanted() { read -r _rr_own_ticket <"$_rr_own_folder/ticket" && [ "$_rr_own_ticket" = "$1" ]; }

# The second process: run the program and record its end. The disk may be full by then, so the space for the record is
# reserved before.
_rr_own_record() {
  trap : HUP INT QUIT TERM
  (
    umask 077
    echo "$$" >"$_rr_own_folder/launcher.pid"
    for _rr_own_file in ended length signal status; do printf '%-12s\n' '' >"$_rr_own_folder/$_rr_own_file.room"; done
  )
  exec 3>&2 2<>"$_rr_own_folder/signal.room"
  sh "$0" exec "$1" # dash would print its message to the stderr of the command, so that one restores its own
  _rr_own_status=$? _rr_own_words=
  trap '' HUP INT QUIT TERM # also for the commands below: the terminal may disappear now
  _rr_own_find_signal
  exec 2>&3 3>&-
  [ -z "$_rr_own_daemon" ] || [ $_rr_own_status -ne 0 ] || _rr_own_follow_daemon
  _rr_own_ended=$(date +%s)
  _rr_own_await_output
  [ "$_rr_own_status" != 129 ] || _rr_own_has_window || : >"$_rr_own_folder/closed" # SIGHUP came from that
  _rr_own_note ended "$_rr_own_ended"
  _rr_own_note status "$_rr_own_status$_rr_own_words"
  _rr_own_await_rest
  case $_rr_own_status in *[a-z]*) exit 1 ;; esac # `gone` or `none` is no exit status
  exit "$_rr_own_status"
}

# sh has the same status for a program that a signal has ended, and for one that exits with that status. But it prints a
# message about a signal, such as `Killed`. Without a message, add a word to the note, if this sh prints messages. Shells
# print none for INT and PIPE, and some print none for TERM.
_rr_own_find_signal() {
  if _rr_own_has_message; then
    printf '%s\n' "$_rr_own_line" >&3
    return
  fi
  case $_rr_own_status in 130 | 141) return ;; 143) _rr_own_signal=TERM ;; *) _rr_own_signal=KILL ;; esac
  { [ $_rr_own_status -gt 128 ] && [ $_rr_own_status -le 192 ]; } || return 0
  (trap - TERM && exec sh -c "kill -$_rr_own_signal \$\$")
  ! _rr_own_has_message || _rr_own_words=-exit
}
_rr_own_has_message() { read -r _rr_own_line <"$_rr_own_folder/signal.room" && [ "$_rr_own_line" ]; }

# Wait until screen has written all output, but at most half a second, and note its length; see own_output.sh. If the
# first process was killed and the terminal is still there, screen may have added lines of its own. Then note nothing.
_rr_own_await_output() {
  _rr_own_length='' _rr_own_looks=0
  while
    _rr_own_before=$_rr_own_length
    _rr_own_length=$(stat -c %s "$_rr_own_folder/output" 2>/dev/null) || return 0
    [ "$_rr_own_length" != "$_rr_own_before" ] || _rr_own_screen_works
  do
    _rr_own_looks=$((_rr_own_looks + 1))
    [ $_rr_own_looks -lt 25 ] || break
    sleep 0.02
  done
  [ ! -t 1 ] || _rr_own_has_first_process || return 0
  _rr_own_note length "$_rr_own_length"
}

_rr_own_has_first_process() { read_stat "$$" && [ "$stat_parent" = "$PPID" ]; }
_rr_own_has_window() { [ -t 1 ] && _rr_own_has_first_process; }

# Whether the server of screen has something to do: it runs, or waits for a disk.
_rr_own_screen_works() {
  [ "${STY-}" ] && read_stat "${STY%%.*}" && case $stat_state in R | D) ;; *) return 1 ;; esac
}

_rr_own_note() {
  printf '%-12s\n' "$2" 1<>"$_rr_own_folder/$1.room" && mv "$_rr_own_folder/$1.room" "$_rr_own_folder/$1"
}

# The third process becomes the program. A subshell takes the notes, so that they set no variable here.
_rr_own_exec() {
  exec 2>&3 3>&-
  _rr_own_start=$1
  (
    umask 077
    cd "$_rr_own_folder" || exit
    read_stat "$$"
    echo "$stat_birth" | tee born >begun
    echo "$$" >pid
    echo "${STY-}" >session
    read -r boot </proc/sys/kernel/random/boot_id && echo "$boot" >boot
    echo "${WINDOW-}" >window
    date +%s >started
  )
  trap ': >"$_rr_own_folder/unexecuted"' EXIT # a shell that has become the program has no traps
  _rr_own_set_tag
  _rr_own_enter
  _rr_own_read_environment
  _rr_own_program _rr_own_launch
}

# Tag this process, so that all that the program starts has the tag, too. It is the limit of the resident set, which has
# no effect on Linux (getrlimit(2)), in bytes. Children inherit it, whatever else they change, and /proc shows it to
# everyone. It is too large to limit anything, and a different number for each component.
# shellcheck disable=SC3045 # POSIX lacks these options, but every sh has them
_rr_own_set_tag() {
  _rr_own_tag=$(printf %s "$_rr_own_folder" | sha1sum | cut -c 1-12)
  _rr_own_tag=$((0x10000000000000 + 0x$_rr_own_tag))
  ulimit -S -m $_rr_own_tag 2>/dev/null || return 0
  (umask 077 && read_stat "$$" && [ "$stat_tag" = $((_rr_own_tag * 1024)) ] && echo "$stat_tag" >"$_rr_own_folder/tag")
}

# _rr_own_launch PROGRAM ARGUMENT...: execute the program. bash would run a text file without `#!` in this process,
# and its command line would stay that of the launcher. Other shells run it with a new sh; do that here too.
_rr_own_launch() {
  [ ! -d "$1" ] || {
    echo "$1: is a directory" >&2
    exit 126
  }
  [ -z "${BASH_VERSION-}" ] || [ ! -f "$1" ] || [ ! -x "$1" ] || case $(head -c 80 -- "$1" | tr '\000' '\007') in
    '#!'* | *"$(printf '\007')"*) ;;
    *) set -- "$(command -v sh)" "$@" ;;
  esac
  _rr_own_become "$@"
}

# Run the readiness check of `util.command` as the program would run: in its folder and environment.
_rr_own_run_check() {
  _rr_own_start=$1
  if [ "$_rr_own_has_secrets" ]; then
    echo "its output is not kept, because the component has secrets"
    exec >/dev/null 2>&1
  fi
  _rr_own_enter
  _rr_own_read_environment
  _rr_own_become "$(command -v sh)" -c "$_rr_own_check"
}

_rr_own_enter() { cd "${_rr_own_base_dir:-$(cat "$_rr_own_folder/base_dir")}" || exit 126; }

# Every process of a component can be known by the variable REMOTE_RUNNER_COMPONENT.
_rr_own_become() {
  REMOTE_RUNNER_COMPONENT=$_rr_own_folder
  export REMOTE_RUNNER_COMPONENT
  _rr_own_change_environment
  [ -z "$_rr_own_has_secrets" ] || _rr_own_read_secrets
  # shellcheck disable=SC3044 # without it, bash runs no trap after exec has failed
  [ -z "${BASH_VERSION-}" ] || shopt -s execfail
  exec "$@"
  exit
}

# Export the secrets of the component. The script of the start has them in a file without a name; see start.sh. It ends
# with an assignment, so an incomplete one counts as none.
_rr_own_read_secrets() {
  _rr_own_file=/proc/$_rr_own_start/fd/9
  case $(readlink "$_rr_own_file") in
    */remote-runner.secrets.??????????' (deleted)') eval "$(cat "$_rr_own_file")" ;;
  esac
  [ "$_rr_own_has_secrets" ] || return 0
  echo "its secrets are gone, because the command that started it has ended; start it again" >&2
  exit 126
}

_rr_own_main "$@"
exit
