# fab status: the state of each component.
# Needs from the header: session, owner, owner_text, replace, folders, with_origins.
# Answers:
#   units NOW TICKS-PER-SECOND PAGE-SIZE
#   component FOLDER WORD PID STATUS STARTED ENDED READY UNREADY STOPPED LOSS
#     WORD is waiting, starting, running, ending (its end is not recorded yet) or ended. STOPPED is `stopped` if this tool
#     ended it. For LOSS see find_loss.
#   origin FOLDER TEXT          behind a component, with $with_origins
#   output FOLDER LINES         the end of the output of a component that is failed or lost
#   foreign COUNT SINCE TEXT    if the session belongs to another owner
#   sample UPTIME [FOLDER,PID,USER,SYSTEM,PAGES]...
# If any process of a component runs, there are two samples, 0.3 s apart, of the resources that each has used so far. The
# program of the component may have ended.
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
  tags='' leaders='' launchers=''
  for folder in $folders; do report_component; done
  report_foreign
  files=
  [ -z "$tags$leaders" ] || list_processes
  [ "$files" ] || return 0
  sample
  sleep 0.3
  sample
}

# report_component: answer for the component in $folder.
report_component() {
  read_notes
  stopped='' loss=''
  if is_running "$folder"; then
    word=running ended='' status=''
    program=$pid
    add_processes
  elif is_of_session "$started_in" && [ -e "$folder/launcher.pid" ]; then
    find_end_word
    add_processes
  else
    word=waiting program='' status='' started='' ended='' ready='' unready=''
  fi
  answer "component $folder $word $program $status $started $ended $ready $unready $stopped $loss"
  [ -z "$with_origins" ] || [ "$word" = waiting ] || [ ! -s "$folder/origin" ] ||
    answer "origin $folder $(cat "$folder/origin")"
  ! is_bad || answer "output $folder $(output_end "$folder" 8)"
}

# add_processes: add the processes of $folder to the samples. They have its tag. If its program has none, they are those in
# the kernel session of the program, except the two of the launcher.
add_processes() {
  [ -z "$tag" ] || tags="$tags $tag=$folder"
  if [ "$word" = running ] && [ "$stat_tag" != "$tag" ]; then
    leaders="$leaders $stat_session=$folder"
    launchers="$launchers $launcher"
    [ "$stat_session" = "$pid" ] || launchers="$launchers $stat_session"
  fi
}

# is_bad: whether the component is failed or lost.
is_bad() {
  case $word/$stopped/$status/$unready in
    running/*/late | ending/*/late | ended//[!0]* | ended///*) ;;
    *) return 1 ;;
  esac
}

# find_end_word: set $word, $stopped and $loss for a program that does not run, or has not been executed yet.
find_end_word() {
  word=ended stopped='' loss=''
  [ ! -e "$folder/stopped" ] || stopped=stopped
  if [ -s "$folder/status" ] || ! launcher_runs "$folder"; then
    find_loss "$folder"
  elif is_ending; then
    word=ending
  else
    word=starting
  fi
  case $status in gone | none) status= ;; esac
}

# is_ending: whether the program in $folder, or its daemon, has ended. Its launcher is about to record that, or looks for the
# next daemon. If it looks for the first one, the component is starting.
is_ending() {
  { read -r pid <"$folder/pid" && read -r birth <"$folder/born"; } 2>/dev/null || return
  ! is_same_process "$pid.$birth" || return
  read_note "$folder" begun
  [ ! -e "$folder/following" ] || [ "$note" != "$birth" ]
}

read_notes() {
  read_note "$folder" pid && program=$note
  read_note "$folder" launcher.pid && launcher=$note
  read_note "$folder" tag && tag=$note
  read_note "$folder" status && status=$note
  read_note "$folder" started && started=$note
  read_note "$folder" ended && ended=$note
  read_note "$folder" ready && ready=$note
  read_note "$folder" unready && unready=$note
  read_note "$folder" session && started_in=$note
}

# list_processes: set $files to the stat files of the processes in $tags or $leaders. This reads each process of the host
# once, and grep needs a third of the time of cat. A tag is so large that no other field has its value.
list_processes() {
  by_leader=
  [ -z "$leaders" ] || by_leader="|^[0-9]+ \(.*\) . ([^ ]+ ){2}($(any_of "$leaders")) "
  found=$(LC_ALL=C grep -slE " ($(any_of "$tags")) $by_leader" /proc/[0-9]*/stat)
  found=$(for file in $found; do
    file=${file%/stat}
    echo "${file##*/}"
  done | without_other_sessions)
  files=
  for pid in $found; do files="$files /proc/$pid/stat"; done
}

# any_of [NUMBER=FOLDER]...: print an expression for any of the numbers, or for none if the list is empty.
any_of() {
  numbers=none
  for pair in $1; do numbers="$numbers|${pair%%=*}"; done
  echo "$numbers"
}

# sample: answer with the CPU time and memory of each process in $files, except launchers. They may have ended: then cat
# must not read the standard input. For the fields see proc(5).
# shellcheck disable=SC2086 # one word for each file
sample() {
  read -r up _ </proc/uptime
  answer "sample $up$(cat /dev/null $files 2>/dev/null | LC_ALL=C awk -v of="$tags $leaders" -v launchers="$launchers" '
    BEGIN {
      count = split(of, pairs, " ")
      for (i = 1; i <= count; i++) folder[substr(pairs[i], 1, index(pairs[i], "=") - 1)] = substr(pairs[i], index(pairs[i], "=") + 1)
      count = split(launchers, pids, " ")
      for (i = 1; i <= count; i++) is_launcher[pids[i]]
    }
    {
      pid = $1
      sub(/^.*\) /, "") # the name may contain spaces and parentheses; the next field is the third one
      if (pid in is_launcher || $1 ~ /[ZX]/) next
      key = $23 in folder ? $23 : $4
      if (key in folder) printf " %s,%s,%s,%s,%s", folder[key], pid, $12, $13, $22
    }')"
}
