# Processes, as /proc/PID/stat describes them; see proc(5).

# parse_stat LINE: split a line of /proc/PID/stat into
#   $stat_pid, $stat_state, $stat_parent
#   $stat_group, $stat_session   process group and kernel session, see setpgid(2) and setsid(2)
#   $stat_terminal               device number; 0 for none
#   $stat_foreground             foreground process group of the terminal
#   $stat_user, $stat_system     CPU time, in ticks
#   $stat_birth                  start time, in ticks since boot
#   $stat_tag                    limit of the resident set (RLIMIT_RSS), in bytes; see launcher.sh
parse_stat() {
  stat_pid=${1%% *}
  # The program name stands in brackets and may hold spaces. So the other fields begin after the last bracket.
  # shellcheck disable=SC2086 # one word for each field
  set -- ${1##*) }
  stat_state=$1 stat_parent=$2 stat_group=$3 stat_session=$4 stat_terminal=$5 stat_foreground=$6
  stat_user=${12} stat_system=${13} stat_birth=${20} stat_tag=${23}
}

# read_stat PID: set the variables of parse_stat, and $stat_line. Fail if there is no such process. A newline in the name of
# the program becomes a space.
read_stat() {
  stat_line=
  { while read -r stat_part; do stat_line="${stat_line:+$stat_line }$stat_part"; done <"/proc/$1/stat"; } 2>/dev/null &&
    [ "$stat_line" ] && parse_stat "$stat_line"
}

# is_alive PID: whether the process runs. A zombie does not. Sets the variables of read_stat.
is_alive() {
  read_stat "$1" || return
  case $stat_state in Z | X) return 1 ;; esac
}

# is_same_process PID.BIRTH: whether that process still runs. Its id may belong to another process by now.
is_same_process() { is_alive "${1%.*}" && [ "$stat_birth" = "${1#*.}" ]; }

# is_screen PID: whether the process is the server of a screen session of this user.
is_screen() {
  is_alive "$1" || return
  case $stat_line in "$1 (screen) "*) [ -O "/proc/$1" ] ;; *) return 1 ;; esac
}

# read_clock: set $clock to the uptime, in 1/100 s.
read_clock() {
  read -r clock _ </proc/uptime
  clock=${clock%.*}${clock#*.}
}

# drop_tag: drop the tag that this process inherits if a component has run the command; see launcher.sh.
# shellcheck disable=SC3045 # POSIX lacks these options, but every sh has them
drop_tag() { ulimit -S -m "$(ulimit -H -m)" 2>/dev/null || :; }
