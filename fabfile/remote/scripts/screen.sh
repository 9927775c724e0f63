# Sessions of GNU screen.
#
# screen matches the name of a session by prefix. So names are compared here, whole, and a session is only addressed
# as PID.NAME. Every process that screen starts has `STY=PID.NAME` in its environment.
# Needs from the header: session.
. ./tools.sh

tab='	'
newline='
'
dead_marks=

# list_sessions: set these variables. It only starts one program, because each one costs a millisecond.
#   $listing        the output of `screen -ls`
#   $sessions       a line PID.NAME for each session of this user, dead ones too
#   $own_sessions   PID.NAME of those that run and are named $session
#   $all_servers    process ids of those that run
#   $other_servers  process ids of those that run and have another name
#   $own_marks      a line STY=PID.NAME for each of $own_sessions, which is in the environment of its processes, and the
#                   lines in $dead_marks of sessions whose server has ended
# In the output of `screen -ls`, the lines of sessions begin with a tab and a process id.
list_sessions() {
  listing=$(screen -ls 2>&1)
  sessions='' own_sessions='' all_servers=' ' other_servers=' ' own_marks=$dead_marks
  while IFS= read -r line; do
    case $line in "$tab"[0-9]*) ;; *) continue ;; esac
    id=${line#"$tab"}
    id=${id%%"$tab"*}
    sessions="$sessions${sessions:+$newline}$id"
    server=${id%%.*}
    is_screen "$server" || continue
    all_servers="$all_servers$server "
    if [ "${id#*.}" = "$session" ]; then
      own_sessions="$own_sessions $id"
      own_marks="$own_marks${own_marks:+
}STY=$id"
    else
      other_servers="$other_servers$server "
    fi
  done <<END
$listing
END
}

# check_listing: fail if screen cannot list its sessions.
check_listing() {
  case $listing in *Socket*) return ;; esac
  find_screen_problem "$listing"
  fail "screen: $problem"
}

# find_session: set $id to the session named $session, or to nothing if there is none.
find_session() {
  list_sessions
  check_listing
  # shellcheck disable=SC2086 # one word for each session; names have no spaces
  set -- $own_sessions
  [ $# -lt 2 ] || fail "there are $# screen sessions named \"$session\"; kill all of them with: $controller_program kill"
  id=${1-}
}

# is_of_session ID: whether it is the session that is there now, or there is none. Needs list_sessions.
is_of_session() {
  case "${own_sessions:-" $1"} " in *" $1 "*) ;; *) return 1 ;; esac
}

# need_session: find_session, or fail.
need_session() {
  find_session
  [ "$id" ] || fail "no screen session named \"$session\"; start one with: $controller_program screen"
}

# is_of_other_session PID: whether the environment of the process is that of a screen session which is not in $own_marks.
is_of_other_session() {
  grep -qzs '^STY=' "/proc/$1/environ" && { [ -z "$own_marks" ] || ! grep -qzxsF "$own_marks" "/proc/$1/environ"; }
}

# is_server PID: whether the process is a screen server, of any user, also one that `screen -ls` does not list.
is_server() {
  read_stat "$1" && [ "$stat_session" = "$1" ] && case $stat_line in "$1 (screen) "*) ;; *) return 1 ;; esac
}

# without_other_sessions: of lines that end with a process id, print those whose process is no screen server, and by its
# environment belongs to no other session.
without_other_sessions() {
  lines=$(cat)
  [ "$lines" ] || return 0
  set --
  while read -r line; do set -- "$@" "/proc/${line##* }/environ"; done <<END
$lines
END
  of_sessions=$(LC_ALL=C grep -aszH '^STY=' "$@" | tr '\000' '\n')
  elsewhere=' '
  while IFS= read -r line; do
    case $newline$own_marks$newline in *"$newline${line#*:}$newline"*) ;; *) elsewhere="$elsewhere${line%%:*} " ;; esac
  done <<END
$of_sessions
END
  while read -r line; do
    case $elsewhere in *" /proc/${line##* }/environ "*) continue ;; esac
    is_server "${line##* }" || echo "$line"
  done <<END
$lines
END
}

# join LINES: print them as one line.
# shellcheck disable=SC2086 # one word for each
join() { echo $1; }
