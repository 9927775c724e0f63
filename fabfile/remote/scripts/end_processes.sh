# Find and end all processes of a session or of components.
#
# Members are processes of this user that have a line of $marks in their environment. $roots and all that descends from
# them are members, too, whoever their user is. $servers are the screen servers that end too. No screen server is a
# member: the search goes down from $roots and does not enter other sessions, which may have been started from a window.
# $all_servers are the servers of all sessions.
# A program may fork faster than we can look. So a process that has been found counts even if it is gone a moment
# later. Only several empty looks in a row prove that nothing is left. The servers end last. On a host with Python, they
# adopt every process that has lost its parent (see subreaper.py), and list their children without a race.
# With $whole_session, all processes in the cgroup of the session are members too.
. ./screen.sh
. ./cgroup.sh

after_term=500  # hundredths of a second from TERM to KILL
after_kill=1000 # and from KILL to an error
births=' '      # PID.BIRTH of processes that were members: the id may become that of another process

# note_births PIDS: remember when these processes were born. For one that has ended already, any later process with its
# id is another one.
note_births() {
  for pid in $1; do
    stat_birth=ended
    read_stat "$pid" || :
    births="$births$pid.$stat_birth "
  done
}

# is_reused PID: whether the id belongs to another process by now. Sets the variables of read_stat.
is_reused() {
  case $births in *" $1."*) ;; *) return 1 ;; esac
  read_stat "$1" || return
  case $births in *" $1.$stat_birth "*) return 1 ;; esac
}

# members: print the process ids of all members, some of them twice.
members() {
  {
    [ -z "$marks" ] || marked
    descendants
    [ -z "$whole_session" ] || cgroup_members
  } | while read -r pid; do
    case $all_servers in *" $pid "*) ;; *) echo "$pid" ;; esac
  done
}

# marked: print the processes of this user that have a line of $marks in their environment.
marked() {
  grep -lzxsF --line-buffered "$marks" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do
    if [ -O "/proc/$pid" ] || [ ! -e "/proc/$pid" ]; then echo "$pid"; fi
  done
}

# descendants: print $roots and all that descends from them, by parent or kernel session.
descendants() {
  [ -n "$roots" ] || return 0
  family=' '
  for pid in $roots; do is_reused "$pid" || family="$family$pid "; done
  relations=$(relations)
  before=
  while [ "$family" != "$before" ]; do
    before=$family
    for relation in $relations; do # the shell reads lines byte by byte
      pid=${relation%%.*} of=${relation#*.}
      case $family$all_servers in *" $pid "*) continue ;; esac
      case $family in *" ${of%.*} "* | *" ${of#*.} "*) family="$family$pid " ;; esac
    done
  done
  not_ended "$family"
}

# relations: print ID.PARENT.LEADER of every process, the last one of its kernel session; see proc(5). The kernel escapes
# newlines in names.
relations() {
  LC_ALL=C sed -n 's/^\([0-9]*\) (.*) [A-Za-z] \([0-9]*\) [0-9]* \([0-9]*\) .*/\1.\2.\3/p' /proc/[0-9]*/stat 2>/dev/null
}

# not_ended PIDS: print those that still run.
not_ended() {
  for pid in $1; do
    is_reused "$pid" || ! is_alive "$pid" || echo "$pid"
  done
}

# send_signal SIGNAL PIDS
send_signal() { for pid in $2; do kill "-$1" "$pid" 2>/dev/null; done; }

# end_members: end all members, then $servers. Each gets TERM, and KILL after five seconds. Sets $found to the members.
end_members() {
  list_sessions
  found=$(members | sort -u)
  note_births "$servers $roots $found"
  send_signal TERM "$found"
  hang_up_windows
  await_end $after_term
  end_servers
}

# hang_up_windows: send HUP to the programs of all windows, as screen does when it ends. Interactive shells ignore TERM.
hang_up_windows() {
  list_children
  for pid in $children; do
    if read_stat "$pid" && [ "$stat_terminal" != 0 ]; then kill -HUP "-$pid" 2>/dev/null; fi
  done
}

# list_children: set $children to the children of $servers that are no screen servers themselves. This starts no
# program, so no program can fork and end while it looks. Kernels without the file list none.
list_children() {
  children=
  for server in $servers; do
    line=
    { read -r line <"/proc/$server/task/$server/children"; } 2>/dev/null
    for child in $line; do
      case $all_servers in *" $child "*) continue ;; esac
      ! is_alive "$child" || is_screen "$child" || children="$children $child"
    done
  done
}

# await_end HUNDREDTHS: wait until $found and all members have ended. $found have got a signal already. Processes that
# are left after this time get KILL. It takes more empty looks if new processes have appeared meanwhile.
await_end() {
  known=" $(join "$found") "
  read_clock
  kill_at=$((clock + $1))
  sleep_while_running "$found" # a launcher that records an end starts programs, which a look would take for new members
  empty=0
  enough=2
  kills=0
  while [ $empty -lt $enough ]; do
    ! is_orphaned || exit # another controller may have started members since the connection was lost
    read_last_pid
    left=$({
      not_ended "$found"
      members
    } | sort -u)
    [ -n "$left" ] || left=$(members_born_since "$last_pid")
    [ -n "$left" ] || {
      list_children
      left=$children
    }
    if [ -z "$left" ]; then
      empty=$((empty + 1))
      continue
    fi
    empty=0
    for pid in $left; do
      case $known in *" $pid "*) ;; *) enough=20 ;; esac
    done
    read_clock
    if [ "$clock" -lt "$kill_at" ]; then
      sleep 0.1
      sleep_while_running "$left"
      continue
    fi
    kill_marked
    kill_children
    [ -z "$whole_session" ] || kill_cgroups
    send_signal KILL "$left"
    if have_resisted || belong_to_others "$left"; then
      fail "processes still run after SIGKILL: $(describe "$left")"
    fi
  done
}

# sleep_while_running PIDS: sleep until all of these have ended, or until $kill_at. This only looks at these processes: a
# look at all of them every 0.1 s would keep a processor busy.
sleep_while_running() {
  while [ "$clock" -lt "$kill_at" ] && ! is_orphaned && [ -n "$(not_ended "$1")" ]; do
    sleep 0.1
    read_clock
  done
}

# end_servers: end $servers. No member is left that could outlive them.
end_servers() {
  send_signal TERM "$servers"
  read_clock
  kill_at=$((clock + after_term))
  kills=0
  while [ -n "$(not_ended "$servers")" ]; do
    sleep 0.02
    read_clock
    [ "$clock" -ge "$kill_at" ] || continue
    send_signal KILL "$servers"
    ! have_resisted || fail "processes still run after SIGKILL: $(describe "$servers")"
  done
}

# have_resisted: whether processes that have just got KILL got it long ago, and still ran in three looks after that. On
# an overloaded host, this script may stand still between two commands.
have_resisted() {
  kills=$((kills + 1))
  [ $kills -gt 1 ] || killed_at=$clock
  [ $kills -gt 3 ] && [ "$clock" -gt $((killed_at + after_kill)) ]
}

# belong_to_others PIDS: whether some of these still run, and we may signal none of them.
belong_to_others() {
  for pid in $1; do
    if kill -0 "$pid" 2>/dev/null; then return 1; fi
  done
  [ -n "$(not_ended "$1")" ]
}

# describe PIDS: print the processes that still run, each with its name, and its user if that is another one.
describe() {
  described=
  for pid in $1; do
    is_alive "$pid" || continue
    name=${stat_line#*\(}
    name=${name%)*}
    user=
    [ -O "/proc/$pid" ] || user=", of user $(stat -c %U "/proc/$pid")"
    described="$described${described:+, }$pid ($name$user)"
  done
  echo "$described"
}

# read_last_pid: set $last_pid to the process id that was given last.
read_last_pid() { read -r _ _ _ _ last_pid </proc/loadavg; }

# members_born_since PID: print marked processes with higher ids. A look at all processes takes longer than some
# programs need to fork and end, and so it can miss each of them. This only looks at new processes, again and again,
# until there are no more than its own (a subshell and grep). On a busy host it stops after 20 rounds, or if there are
# more than 2000: an empty look is no proof then, so await_end takes several.
members_born_since() {
  from=$1
  rounds=0
  [ -n "$marks" ] || return 0
  while [ $rounds -lt 20 ]; do
    read_last_pid
    born=$((last_pid - from))
    if [ $born -le 2 ] || [ $born -gt 2000 ]; then return 0; fi
    files=
    while [ "$from" -lt "$last_pid" ]; do
      from=$((from + 1))
      files="$files /proc/$from/environ"
    done
    # shellcheck disable=SC2086 # one word for each file
    new=$(grep -lzxsF "$marks" $files)
    if [ -n "$new" ]; then
      for file in $new; do
        file=${file#/proc/}
        echo "${file%/environ}"
      done
      return
    fi
    rounds=$((rounds + 1))
  done
}

# kill_children: send KILL to the children of $servers until they have none. A program that forks and ends all the time
# becomes a child of a server each time. It cannot fork between this look and the signal.
kill_children() {
  tries=0
  list_children
  while [ "$children" ] && [ $tries -lt 1000 ]; do
    send_signal KILL "$children"
    tries=$((tries + 1))
    list_children
  done
}

# join LINES: print them as one line.
# shellcheck disable=SC2086 # one word for each
join() { echo $1; }

# kill_marked: send KILL to every marked process as soon as it is found, which leaves it less time to fork.
kill_marked() {
  marked | while read -r victim; do
    case $all_servers in *" $victim "*) continue ;; esac
    kill -KILL "$victim" 2>/dev/null
  done
}
