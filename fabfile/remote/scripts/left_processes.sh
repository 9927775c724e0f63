# Processes that a program has left: the launcher waits for them, or follows a daemon among them.
# Needs from the launcher: _rr_own_folder, _rr_own_daemon, _rr_own_status, _rr_own_enter, _rr_own_has_window.
. ./proc_stat.sh

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
