# Find the processes of components in one look at all processes of the host.
. ./screen.sh

# descendants INPUT: print NAME PID for each process with a tag, each given process, and all that descends from these.
# Servers of screen and processes of other sessions are left out. The input has lines
#   tag NAME TAG
#   start NAME PID
#   found NAME PID   it counts even if it has ended meanwhile
#   window NAME LEADER LAUNCHER   processes in this kernel session whose parent is outside, but not this launcher
#   since BIRTH      ignore processes that are older, unless they have a tag. The first line of the output is then `files`
#                    and the environments that can tell more. Print - PID for each process that has lost its parent, is not
#                    found, and has no tag: only such a process may have a mark and descend from no member
# Call it in a subshell.
descendants() {
  own=' ' # servers of our own sessions, which `screen -ls` may not list any more
  for mark in $own_marks; do
    mark=${mark#STY=}
    own="$own${mark%%.*} "
  done
  cd /proc || exit
  retry look_at_processes "$1"
}

# retry COMMAND...: run a command until it succeeds, at most 100 times. mawk ends with an error if a process ends between
# its open and its read of a file in /proc.
retry() {
  tries=1
  until "$@" 2>/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || {
      "$@" || kill "$$" # with its message; the script must not take this for a look that has found nothing
      return
    }
  done
}

# look_at_processes INPUT: see descendants. awk reads the files itself: a pipe between two programs would take a third of
# the time. It prints nothing before it has read all. For the fields see proc(5).
look_at_processes() {
  LC_ALL=C awk -v all="$all_servers" -v own="$own" -v others="$other_servers" '
    BEGIN {
      processes = ARGC
      ARGC = 1 # read the standard input
    }
    $1 == "found" { certain[$3] }
    $1 == "found" || $1 == "start" { start[$2] = start[$2] " " $3 }
    $1 == "tag" { name_of[$3] = $2 }
    $1 == "window" {
      window[$3] = $2
      launcher[$4]
    }
    $1 == "since" { since = $2 + 0 }
    END {
      for (i = 1; i < processes; i++) look_at(ARGV[i])
      count = split(all own others, server, " ")
      for (i = 1; i <= count; i++) outside[server[i]]
      add(others, foreign)
      for (pid in foreign) outside[pid]
      for (number in window) for (pid = follower[number]; pid != ""; pid = neighbour[pid]) {
        if (leader[parent[pid]] != number && !(pid in launcher)) start[window[number]] = start[window[number]] " " pid
      }
      for (name in start) {
        split("", found) # empties it
        add(start[name], found)
        for (pid in found) if ((pid in parent || pid in certain) && !(pid in outside)) {
          lines[pid] = lines[pid] name " " pid "\n"
          member[pid]
        }
      }
      if (since != "") {
        for (pid in unknown) if (!(pid in outside) && !(pid in member) && !is_below_other(pid)) orphan[pid]
        printf "files"
        for (pid in member) printf " /proc/%s/environ", pid
        for (pid in orphan) printf " /proc/%s/environ", pid
        print ""
      }
      for (pid in lines) printf "%s", lines[pid]
      for (pid in orphan) print "-", pid
    }
    # Whether the parent of an unknown process is unknown as well, or a member.
    function is_below_other(pid) { return !(parent[pid] in outside) && (parent[pid] in unknown || parent[pid] in member) }
    function look_at(pid,   file, is_screen) {
      file = pid "/stat"
      if ((getline <file) <= 0) return
      is_screen = index($0, "(screen) ") == length(pid) + 2
      sub(/^.*\) /, "") # the program name may hold spaces and parentheses; the next field is the third one
      if (NF < 20) { # the name holds a newline
        while ((getline <file) > 0);
        sub(/^.*\) /, "")
      }
      close(file)
      if ($1 == "Z" || $1 == "X") return
      if (is_screen && $4 == pid && index(all own, " " pid " ") == 0) others = others pid " "
      if ($23 in name_of) start[name_of[$23]] = start[name_of[$23]] " " pid
      else if ($20 < since) return
      else if (since != "") unknown[pid]
      parent[pid] = $2
      leader[pid] = $4
      sibling[pid] = child[$2]
      child[$2] = pid
      if ($4 == pid) return
      neighbour[pid] = follower[$4]
      follower[$4] = pid
    }
    # Add processes to a set, with all that descends from them. Descent does not lead into a server.
    function add(pids, set,   queue, count, given, i, pid, other) {
      given = count = split(pids, queue, " ")
      for (i = 1; i <= count; i++) {
        pid = queue[i]
        if (pid in set || (i > given && pid in outside)) continue
        set[pid]
        for (other = child[pid]; other != ""; other = sibling[other]) queue[++count] = other
        for (other = follower[pid]; other != ""; other = neighbour[other]) queue[++count] = other
      }
    }' [0-9]* <<END
$1
END
}
