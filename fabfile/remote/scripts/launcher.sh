# The launcher of one component. It starts the program and records its id, times and exit status.
# Needs from the header: _rr_own_base_dir (empty: the temporary folder), _rr_own_check, _rr_own_daemon (empty: the program
# is no daemon; `tag`: any process with the tag; else the path of a pid file), and three functions:
# _rr_own_read_environment, _rr_own_change_environment and _rr_own_program.
#
# Three processes start a program: screen runs `sh FOLDER/launcher TICKET`, which runs itself with `record`, which runs
# itself with `exec`. The first one ends with its window. It leads the kernel session of the terminal, so the kernel then sends
# SIGHUP to the program. The second one can still record the exit status.
# With `check`, readiness.sh runs the command of `util.command` in the same folder and environment.
# All variables of this file have a prefix: a variable of the program's environment must not change by accident.
. ./proc_stat.sh

_rr_own_folder=${0%/*}

_rr_own_main() {
  case ${1-} in
    exec) _rr_own_exec ;;
    check) _rr_own_run_check ;;
    record) _rr_own_record ;;
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
  sh "$0" record
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
    for _rr_own_file in ended length status; do printf '%-12s\n' '' >"$_rr_own_folder/$_rr_own_file.room"; done
  )
  sh "$0" exec
  _rr_own_status=$?
  trap '' HUP INT QUIT TERM # also for the commands below: the terminal may disappear now
  [ -z "$_rr_own_daemon" ] || [ $_rr_own_status -ne 0 ] || _rr_own_follow_daemon
  _rr_own_ended=$(date +%s)
  _rr_own_await_output
  [ "$_rr_own_status" != 129 ] || _rr_own_has_window || : >"$_rr_own_folder/closed" # SIGHUP came from that
  _rr_own_note ended "$_rr_own_ended"
  _rr_own_note status "$_rr_own_status"
  _rr_own_await_rest
  case $_rr_own_status in *[a-z]*) exit 1 ;; esac # of a daemon
  exit "$_rr_own_status"
}

# _rr_own_find_tagged: set $_rr_own_tagged to the processes that have the tag, the oldest first.
_rr_own_find_tagged() {
  _rr_own_tagged=
  { read -r _rr_own_tag <"$_rr_own_folder/tag"; } 2>/dev/null || return 0
  _rr_own_tagged=$(LC_ALL=C grep -shE "^[0-9]+ \(.*\) [^ZX] ([^ ]+ ){21}$_rr_own_tag " /proc/[0-9]*/stat |
    while read -r stat_line; do
      parse_stat "$stat_line"
      echo "$stat_birth $stat_pid"
    done | sort -n | sed 's/.* //')
}

# Processes that the program has left may still write. If the first process ended now, screen would close the terminal, and
# their output would be lost. So wait for them. The kernel sends SIGHUP to the foreground processes of the terminal when
# the first process ends. They get it now.
_rr_own_await_rest() {
  _rr_own_find_tagged
  _rr_own_hang_up
  while [ "$_rr_own_tagged" ] && _rr_own_has_window; do
    sleep 0.5
    for _rr_own_process in $_rr_own_tagged; do
      ! is_alive "$_rr_own_process" || continue 2
    done
    _rr_own_find_tagged
  done
}

_rr_own_hang_up() {
  read_stat "$$" && [ "$stat_foreground" -gt 0 ] || return 0
  _rr_own_group=$stat_foreground
  for _rr_own_process in $_rr_own_tagged; do
    ! read_stat "$_rr_own_process" || [ "$stat_group" != "$_rr_own_group" ] || kill -HUP "$_rr_own_process"
  done
}

# Follow the daemon that the program has started, in place of the program. Nobody learns the exit status of a daemon, so
# that becomes `gone`, or `none` if no daemon was found.
_rr_own_follow_daemon() {
  _rr_own_status=none
  read -r _rr_own_begun <"$_rr_own_folder/born"
  while _rr_own_find_daemon; do
    _rr_own_status=gone
    (umask 077 && echo "$_rr_own_birth" >"$_rr_own_folder/born" && echo "$_rr_own_process" >"$_rr_own_folder/pid")
    while is_same_process "$_rr_own_process.$_rr_own_birth"; do sleep 0.2; done
  done
}

# _rr_own_find_daemon: set $_rr_own_process and $_rr_own_birth. A daemon may write its pid file late.
_rr_own_find_daemon() {
  _rr_own_looks=0
  while [ $_rr_own_looks -lt 50 ]; do
    for _rr_own_process in $(_rr_own_candidates); do
      is_alive "$_rr_own_process" || continue
      _rr_own_birth=$stat_birth
      return
    done
    [ "$_rr_own_daemon" != tag ] && [ "$_rr_own_status" = none ] || return
    _rr_own_looks=$((_rr_own_looks + 1))
    sleep 0.1
  done
  return 1
}

# _rr_own_candidates: print the processes that may be the daemon.
_rr_own_candidates() {
  _rr_own_find_tagged
  if [ "$_rr_own_daemon" = tag ]; then echo "$_rr_own_tagged"; else (_rr_own_read_pid_file) 2>/dev/null; fi
}

# A pid file of an earlier run may name any process. So that process must have the tag, or have begun after the program, as
# the file has.
# shellcheck disable=SC3013 # POSIX lacks -nt, but every sh has it
_rr_own_read_pid_file() {
  _rr_own_enter
  read -r _rr_own_process _ <"$_rr_own_daemon" || :
  case $_rr_own_process in '' | *[!0-9]*) return ;; esac
  is_alive "$_rr_own_process" || return
  [ "$stat_tag" = "$_rr_own_tag" ] || {
    [ "$stat_birth" -ge "$_rr_own_begun" ] && ! [ "$_rr_own_folder/started" -nt "$_rr_own_daemon" ]
  } || return
  echo "$_rr_own_process"
}

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
  (
    umask 077
    cd "$_rr_own_folder" || exit
    read_stat "$$"
    echo "$stat_birth" >born
    echo "$$" >pid
    echo "${STY-}" >session
    read -r boot </proc/sys/kernel/random/boot_id && echo "$boot" >boot
    echo "${WINDOW-}" >window
    date +%s >started
  )
  _rr_own_set_tag
  _rr_own_enter
  _rr_own_read_environment
  _rr_own_program _rr_own_launch
}

# Tag this process, so that all that the program starts has the tag, too. It is the limit of the resident set, which has
# no effect on Linux (getrlimit(2)), in bytes. Children inherit it, whatever else they change, and /proc/PID/stat shows it
# to everyone. It is too large to limit anything, and a different number for each component.
# shellcheck disable=SC3045 # POSIX lacks these options, but every sh has them
_rr_own_set_tag() {
  _rr_own_tag=$(printf %s "$_rr_own_folder" | sha1sum | cut -c 1-12)
  ulimit -S -m $((0x10000000000000 + 0x$_rr_own_tag)) 2>/dev/null || return 0
  (umask 077 && read_stat "$$" && echo "$stat_tag" >"$_rr_own_folder/tag")
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
  exec "$@"
}

_rr_own_main "$@"
exit
