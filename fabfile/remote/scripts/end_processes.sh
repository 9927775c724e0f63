# End all processes of a session or of components.
#
# $servers are the screen servers that end too.
# A program may fork faster than we can look. So a process that has been found counts even if it is gone a moment
# later. Only several empty looks in a row prove that nothing is left. The servers end last. On a host with Python, they
# adopt every process that has lost its parent (see subreaper.py), and list their children without a race.
. ./members.sh

after_term=500  # hundredths of a second from TERM to KILL
after_kill=1000 # and from KILL to an error
child_tags=     # see list_children

# send_signal SIGNAL PIDS
send_signal() { for pid in $2; do kill "-$1" "$pid" 2>/dev/null; done; }

# end_members: end all members, then $servers. Each gets TERM, and KILL after five seconds. Sets $found to the members.
end_members() {
  list_sessions
  found=$(members | sort -n) # a program comes before its children, for which it may wait
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

# list_children: set $children to the children of $servers that are no screen servers themselves, and not of another
# session. With $child_tags, a child needs one of these tags. Without them, and without other sessions, this starts no
# program, so no program can fork and end while it looks. Kernels without the file list none.
list_children() {
  children=
  for server in $servers; do
    line=
    { read -r line <"/proc/$server/task/$server/children"; } 2>/dev/null
    for child in $line; do
      case $all_servers in *" $child "*) continue ;; esac
      ! is_alive "$child" || ! has_child_tag || is_screen "$child" || is_of_listed_session "$child" ||
        children="$children $child"
    done
  done
}

has_child_tag() { case ${child_tags:-" $stat_tag "} in *" $stat_tag "*) ;; *) return 1 ;; esac }

is_of_listed_session() { [ "$other_servers$child_tags" != ' ' ] && is_of_other_session "$1"; }

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
      described=$(describe "$left")
      fail "processes still run after SIGKILL: ${described:-they start others all the time}"
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
      done | without_other_sessions
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

# kill_marked: send KILL to every marked process as soon as it is found, which leaves it less time to fork.
kill_marked() {
  [ "$marks" ] || return 0
  marked | while read -r victim; do
    case $all_servers in *" $victim "*) continue ;; esac
    case $marks in STY=*) ;; *) ! is_of_other_session "$victim" || continue ;; esac
    kill -KILL "$victim" 2>/dev/null
  done
}
