# Wait until components are ready. All of them are checked five times a second. The command of `util.command` runs in
# the background, with the launcher of its component, so that it has the same folder and environment.
# Needs from the header: output_lines, the number of lines in the answer `unready`.
# Needs from start.sh: started, ended and following, the components that it has started.
# Answers: ready FOLDER HUNDREDTHS, or unready FOLDER WHY LAST-CHECK, a newline, and the end of the output.
. ./prologue.sh
. ./own_output.sh
. ./shown_lines.sh

# await_readiness [FOLDER _ _ _ _ KIND VALUE HUNDREDTHS]...: wait for those that are in $awaited and have a KIND.
await_readiness() {
  keep_conditional "$@"
  for folder in $awaited; do
    rm -f "$folder/unready" "$folder/check" "$folder/check.output"
    mv "$folder/ready" "$folder/was_ready" 2>/dev/null # it is only not ready again until the first check
  done
  read_clock
  begun=$clock rounds=0 matched=' '
  while [ "$awaited" != ' ' ]; do
    ! is_orphaned || exit
    read_clock
    left=' '
    check_all "$@"
    awaited=$left
    rounds=$((rounds + 1))
    [ "$awaited" = ' ' ] || sleep 0.2
  done
}

# keep_conditional WORDS: of $awaited, keep the components that have a readiness condition.
keep_conditional() {
  left=' '
  while [ $# -gt 0 ]; do
    case $awaited in *" $1 "*) [ -z "$6" ] || left="$left$1 " ;; esac
    shift 8
  done
  awaited=$left
}

# check_all WORDS: check each component in $awaited.
check_all() {
  while [ $# -gt 0 ]; do
    case $awaited in *" $1 "*) check_component "$1" "$6" "$7" "$8" ;; esac
    shift 8
  done
}

# check_component FOLDER KIND VALUE HUNDREDTHS: answer if it is ready, or cannot become ready; else add it to $left.
check_component() {
  launcher_state=
  launcher_runs "$1" || launcher_state=killed
  read_note "$1" status
  exited=${note:-$launcher_state}
  [ -z "$exited" ] || [ -s "$1/length" ] || sleep 0.3 # until screen has written the output; else the launcher has waited
  find_deadline "$1" "$4"
  seconds_left=0
  [ "$clock" -ge "$deadline" ] || seconds_left=$(((deadline - clock) / 100 + 1))
  "is_ready_by_$2" "$1" "$3"
  case $?/$2/$exited/$seconds_left in
    0/*)
      mv "$1/was_ready" "$1/ready" 2>/dev/null || date +%s >"$1/ready"
      read_clock # the checks of other components may have taken long
      answer "ready $1 $((clock - start))"
      return
      ;;
    2/log/*) why=unusable ;;
    *//0) why=late ;;
    *//*)
      left="$left$1 "
      return
      ;;
    *) why=$exited ;;
  esac
  last_check=
  [ "$2" != command ] ||
    last_check="$(cat "$1/check") $(tail -n 1 "$1/check.output" 2>/dev/null | tr -d '\000')"
  rm -f "$1/was_ready"
  echo "$why" >"$1/unready"
  answer "unready $1 $why $last_check
$(output_end "$1" "$output_lines")"
}

# find_deadline FOLDER HUNDREDTHS: set $start to the uptime at which a component was started, in 1/100 s. For one that ran
# before, it is that of the first check. So it is in a container with an uptime of its own, where processes seem to be born
# later. Set $deadline to the end of its timeout. The first check may come late; then there is a second for checks.
find_deadline() {
  start=$begun
  case "$started$ended$following " in *" $1 "*)
    read_note "$1" begun
    [ "${note:-$begun}" -ge "$begun" ] || start=$note
    ;;
  esac
  deadline=$((start + $2)) least=$((begun + ($2 < 100 ? $2 : 100)))
  [ "$deadline" -ge "$least" ] || deadline=$least
}

# Each of these returns 0 if the component FOLDER is ready by its VALUE.
is_ready_by_port() { [ -z "$exited" ] && is_listening "$2"; }

is_ready_by_ended() { [ "$exited" = 0 ]; }

# The host may have no UTF-8 locale, so the expression itself asks for UTF-8. grep -P returns 2 if it cannot use it.
is_ready_by_log() {
  find_new_output "$1" || return 1
  output_bytes "$1" "$offset" $((size - offset)) | show_lines | LC_ALL=C grep -qaP -e "(*UTF)(*UCP)$2"
  found=$?
  [ $found -ne 1 ] || note_match_end "$1"
  return $found
}

# find_new_output FOLDER: set $offset and $size to the ends of what no look has matched. Fail if there is nothing new.
# $matched holds FOLDER/SIZE/OFFSET for each output, between spaces: its size at the last look, and where its last line
# began if that may go on. An output that has become shorter begins anew.
find_new_output() {
  whole=$(stat -c %s -- "$1/output" 2>/dev/null) || return
  find_own_size "$1" "$whole"
  offset=0
  case $matched in
    *" $1/$size/"*) return 1 ;;
    *" $1/"*)
      last=${matched#*" $1/"}
      last=${last%% *}
      [ "$size" -lt "${last%/*}" ] || offset=${last#*/}
      matched="${matched%%" $1/"*} ${matched#*" $1/$last "}"
      ;;
  esac
}

# note_match_end FOLDER: remember that there is no match up to $size, except that the last line may go on.
note_match_end() {
  count=$((size - offset))
  [ $count -le 65536 ] || count=65536
  rest=$({ output_bytes "$1" $((size - count)) "$count" && echo; } | tail -n 1 | wc -c)
  [ "$rest" -le 65536 ] || rest=1 # a longer line is divided, as in logs.py
  matched="$matched$1/$size/$((size - rest + 1)) "
}

is_ready_by_command() {
  verdict=none
  { read -r verdict <"$1/check"; } 2>/dev/null
  case $verdict in
    0) return ;;
    running | '') return 1 ;;
  esac
  [ -z "$exited" ] && [ "$seconds_left" -gt 0 ] && [ $((rounds % 5)) -eq 0 ] || return 1
  echo running >"$1/check"
  {
    : >"$1/check.output"
    umask "$own_umask"
    timeout -k 1 "$seconds_left" sh "$state/$1/launcher" check "$$" >"$1/check.output" 2>&1
    echo "$?" >"$1/check"
  } </dev/null >/dev/null 2>&1 9>&- &
  return 1
}

# is_listening PORT: whether any program listens on the TCP port, given in four hexadecimal digits; see proc(5).
is_listening() { grep -qsE "^ *[0-9]+: [0-9A-F]+:$1 [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6; }
