# Processes that a program has left: the launcher waits for them, or follows a daemon among them.
# Needs from the launcher: _rr_own_folder, _rr_own_daemon, _rr_own_status, _rr_own_enter, _rr_own_has_window.
. ./proc_stat.sh

# _rr_own_find_tagged: set $_rr_own_tagged to the processes that have the tag, the oldest first. Screen servers and processes
# of other screen sessions do not count.
_rr_own_find_tagged() {
  _rr_own_tagged='' _rr_own_tag=''
  { read -r _rr_own_tag <"$_rr_own_folder/tag"; } 2>/dev/null || return 0
  _rr_own_tagged=$(LC_ALL=C grep -shE "^[0-9]+ \(.*\) [^ZX] ([^ ]+ ){21}$_rr_own_tag " /proc/[0-9]*/stat |
    while read -r _rr_own_found; do
      parse_stat "$_rr_own_found"
      _rr_own_is_elsewhere "$_rr_own_found" || echo "$stat_birth $stat_pid"
    done | sort -n -k 1,1 -k 2,2 | sed 's/.* //')
}

# _rr_own_is_elsewhere LINE: whether the process of parse_stat is a screen server, or of another screen session.
_rr_own_is_elsewhere() {
  case $1 in "$stat_pid (screen) "*) [ "$stat_pid" != "$stat_session" ] || return 0 ;; esac
  grep -qzs '^STY=' "/proc/$stat_pid/environ" && ! grep -qzxsF "STY=${STY-}" "/proc/$stat_pid/environ"
}

# Processes that the program has left may still write. If the first process ended now, screen would close the terminal, and
# their output would be lost. So wait for them. The kernel sends SIGHUP to the foreground group of the terminal when the
# first process ends. That is delayed now, so send it here.
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

# Follow the daemon that the program has started, in place of the program. Only a parent gets an exit status, and the
# launcher is not the parent. It records `gone`, or `none` if it has found no daemon.
_rr_own_follow_daemon() {
  _rr_own_status=none
  read -r _rr_own_begun <"$_rr_own_folder/begun"
  (umask 077 && : >"$_rr_own_folder/following")
  while _rr_own_find_daemon; do
    _rr_own_status=gone
    (umask 077 && echo "$_rr_own_birth" >"$_rr_own_folder/born" && echo "$_rr_own_process" >"$_rr_own_folder/pid")
    while is_same_process "$_rr_own_process.$_rr_own_birth"; do sleep 0.5; done
  done
}

# _rr_own_find_daemon: set $_rr_own_process and $_rr_own_birth. A daemon may write its pid file late. A process that has
# just been found may end, because it has only forked the daemon. So look several times.
_rr_own_find_daemon() {
  _rr_own_looks=0 _rr_own_most=10
  [ "$_rr_own_daemon" = tag ] || [ "$_rr_own_status" != none ] || _rr_own_most=50
  while [ $_rr_own_looks -lt $_rr_own_most ]; do
    for _rr_own_process in $(_rr_own_candidates); do
      { is_alive "$_rr_own_process" && [ "$stat_birth" -ge "$_rr_own_begun" ]; } || continue
      _rr_own_birth=$stat_birth
      return
    done
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

# A pid file of an earlier run may name any process. So the process must have begun after the program. It must also have the
# tag, or be older than the file, which must be younger than the program.
# shellcheck disable=SC3013 # POSIX lacks -nt, but every sh has it
_rr_own_read_pid_file() {
  _rr_own_process=
  _rr_own_enter && [ -f "$_rr_own_daemon" ] && [ -f "$_rr_own_folder/started" ] || return
  read -r _rr_own_process _ <"$_rr_own_daemon" || :
  case $_rr_own_process in '' | *[!0-9]*) return ;; esac
  is_alive "$_rr_own_process" || return
  [ "$stat_tag" = "$_rr_own_tag" ] || {
    read_clock
    _rr_own_age=$(($(date +%s) - $(stat -c %Y -- "$_rr_own_daemon"))) # of the file; the process is older, except for rounding
    ! [ "$_rr_own_folder/started" -nt "$_rr_own_daemon" ] && [ $((clock - stat_birth + 200)) -ge $((_rr_own_age * 100)) ]
  } || return
  echo "$_rr_own_process"
}
