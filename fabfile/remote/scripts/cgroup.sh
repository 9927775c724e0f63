# The cgroup of a session (cgroups(7), version 2). If the host lets its user create one, all processes of the session are
# in it, whatever a program does to hide. Its path is a line of $state/.cgroups.
. ./state_dir.sh

# enter_cgroup: create a cgroup for the session and move this process into it. If that is forbidden, do nothing.
enter_cgroup() {
  type=
  while read -r _ mount type _; do [ "$type" != cgroup2 ] || break; done </proc/mounts
  [ "$type" = cgroup2 ] || return 0
  own_cgroup=$(sed -n 's/^0:://p' /proc/self/cgroup)
  # This may run in a window of another session, whose cgroup must not hold this one.
  cgroup=$mount${own_cgroup%%/remote-runner-*}/remote-runner-$session-$machine-$$
  { mkdir "$cgroup" && echo "$cgroup" >>"$state/.cgroups" && echo 0 >"$cgroup/cgroup.procs"; } 2>/dev/null || return 0
}

# cgroup_members: print the processes in the cgroups of the session. If another screen server is among them, which a
# program started in a window, print nothing: its processes are not ours to end.
cgroup_members() {
  inside=$(each_cgroup print_processes)
  for pid in $inside; do
    case $all_servers in *" $pid "*) ;; *) continue ;; esac
    case " $servers " in *" $pid "*) ;; *) return 0 ;; esac
  done
  echo "$inside"
}

# each_cgroup COMMAND: run the command with every cgroup of the session.
each_cgroup() {
  while read -r cgroup; do "$1"; done 2>/dev/null <"$state/.cgroups" || :
}

print_processes() { cat "$cgroup/cgroup.procs"; }
end_processes_in_cgroup() { echo 1 >"$cgroup/cgroup.kill"; }
remove_empty() { rmdir "$cgroup" || [ ! -d "$cgroup" ] || echo "$cgroup"; }

# kill_cgroups: send KILL to all processes in the cgroups of the session at once.
kill_cgroups() { [ -z "$(cgroup_members)" ] || each_cgroup end_processes_in_cgroup; }

# remove_cgroups: remove the cgroups of the session that are empty, and forget them.
remove_cgroups() {
  [ -e "$state/.cgroups" ] || return 0
  kept=$(each_cgroup remove_empty)
  if [ "$kept" ]; then echo "$kept" >"$state/.cgroups"; else rm -f "$state/.cgroups"; fi
}
