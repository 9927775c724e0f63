# Find the processes of components and of a session, the members. Four signs show that a process is one of them:
#   tag       of the component; see launcher.sh. All that the program starts has it, also with another environment, as
#             another user, or in a kernel session of its own.
#   mark      a line of its environment; for processes that have changed the tag
#   descent   from the program, by parent or kernel session (setsid(2))
#   cgroup    of the session, for fab kill
# No screen server is a member, and no process of another screen session, which inherits tag and mark if a component has
# started it. A server is a process named screen that leads its kernel session. Its user may be another one.
# Needs from its users: roots, tags, marks, whole_session; see members.
. ./descendants.sh
. ./cgroup.sh

births=' ' # PID.BIRTH of processes that were members: the id may become that of another process

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

# not_ended PIDS: print those that still run.
not_ended() {
  for pid in $1; do
    is_reused "$pid" || ! is_alive "$pid" || echo "$pid"
  done
}

# members: print the members, each once: processes with one of $tags or a line of $marks, $roots, and all that descends
# from these. With $whole_session, all processes in its cgroup are members, too.
members() {
  members_by_name "$(
    for pid in $roots; do is_reused "$pid" || echo "start all $pid"; done
    for tag in $tags; do echo "tag all $tag"; done
    [ -z "$marks" ] || marked | sed 's/^/found all /'
    [ -z "$whole_session" ] || cgroup_members | sed 's/^/found all /'
  )" | sed 's/.* //'
}

# marked: print the processes that have a line of $marks in their environment. Only root can read that of other users.
marked() {
  grep -lzxsF --line-buffered "$marks" /proc/[0-9]*/environ | while IFS=/ read -r _ _ pid _; do echo "$pid"; done
}

# members_by_name INPUT: print NAME PID for each member of several components. For INPUT see descendants.
members_by_name() { descendants "$1" | without_other_sessions; }
