# fab status: the state of each component.
# Needs from the header: session, owner, owner_text, replace, folders, with_origins.
# Answers:
#   units NOW TICKS-PER-SECOND PAGE-SIZE
#   component FOLDER WORD PID STATUS STARTED ENDED KERNEL-SESSION LAUNCHER READY UNREADY STOPPED LOSS
#     WORD is waiting, starting, running or ended. STOPPED is `stopped` if this tool ended it. For LOSS see find_loss.
#   origin FOLDER TEXT          behind a component, with $with_origins
#   output FOLDER LINES         the end of the output of a component that is failed or lost
#   foreign COUNT SINCE TEXT    if the session belongs to another owner
#   sample UPTIME [KERNEL-SESSION,PID,USER,SYSTEM,PAGES]...
# If any component runs, there are two samples, 0.3 s apart, of the resources that its processes have used so far.
. ./state_dir.sh
. ./screen.sh
. ./own_output.sh
. ./ownership.sh

main() {
  need screen
  make_state_dir
  enter_state_dir
  find_session
  answer "units $(date +%s) $(getconf CLK_TCK 2>/dev/null || echo 100) $(getconf PAGESIZE 2>/dev/null || echo 4096)"
  leaders=' '
  for folder in $folders; do report_component; done
  report_foreign
  if [ "$leaders" != ' ' ]; then
    list_processes
    sample
    sleep 0.3
    sample
  fi
}

# report_component: answer for the component in $folder.
report_component() {
  read_notes
  stopped=''
  if is_running "$folder"; then
    word=running
    leaders="$leaders$stat_session "
    rest="$pid  $started  $stat_session $launcher $ready $unready  "
  elif is_of_session && [ -e "$folder/launcher.pid" ]; then
    find_end_word
    rest="$program $status $started $ended   $ready $unready $stopped $loss"
  else
    word=waiting
    rest='         '
  fi
  answer "component $folder $word $rest"
  [ -z "$with_origins" ] || [ "$word" = waiting ] || [ ! -s "$folder/origin" ] ||
    answer "origin $folder $(cat "$folder/origin")"
  ! is_bad || answer "output $folder $(output_end "$folder" 8)"
}

# is_bad: whether the component is failed or lost.
is_bad() {
  case $word/$stopped/$status/$unready in
    running/*/late | ended//[!0]* | ended///*) ;;
    *) return 1 ;;
  esac
}

# find_end_word: set $word, $stopped and $loss for a program that does not run.
find_end_word() {
  word=ended stopped='' loss=''
  [ ! -e "$folder/stopped" ] || stopped=stopped
  if [ ! -s "$folder/status" ] && launcher_runs "$folder"; then word=starting; else find_loss "$folder"; fi
}

read_notes() {
  read_note "$folder" pid && program=$note
  read_note "$folder" launcher.pid && launcher=$note
  read_note "$folder" status && status=$note
  read_note "$folder" started && started=$note
  read_note "$folder" ended && ended=$note
  read_note "$folder" ready && ready=$note
  read_note "$folder" unready && unready=$note
  read_note "$folder" session && started_in=$note
}

# is_of_session: whether the component was started in the session that is there now, or there is none.
is_of_session() { [ -z "$id" ] || [ "$started_in" = "$id" ]; }

# list_processes: set $files to the stat files of all processes in one of $leaders. This reads each process of the host
# once, and grep needs a third of the time of cat.
list_processes() {
  sessions=$(printf %s "${leaders# }" | tr -s ' ' '|')
  files=$(LC_ALL=C grep -slE "^[0-9]+ \(.*\) [A-Z] [0-9]+ [0-9]+ (${sessions%|}) " /proc/[0-9]*/stat)
}

# sample: answer with the CPU time and memory of each process in $files, which may be empty: then cat must not read the
# standard input. For the fields see proc(5).
# shellcheck disable=SC2086 # one word for each file
sample() {
  read -r up _ </proc/uptime
  answer "sample $up$(cat /dev/null $files 2>/dev/null | LC_ALL=C awk '{
    pid = $1
    sub(/^.*\) /, "") # the name may contain spaces and parentheses; the next field is the third one
    printf " %s,%s,%s,%s,%s", $4, pid, $12, $13, $22
  }')"
}
