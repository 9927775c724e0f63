# fab status: the state of each component.
# Needs from the header: session, owner, owner_text, replace, folders, with_origins.
# Answers:
#   units NOW PAGE-SIZE
#   component FOLDER WORD PID STATUS STARTED ENDED READY UNREADY STOPPED LOSS
#     WORD is waiting, starting, running, ending (its end is not recorded yet) or ended. STOPPED is `stopped` if this tool
#     ended it. For LOSS see find_loss.
#   origin FOLDER TEXT          behind a component, with $with_origins
#   output FOLDER LINES         the end of the output of a component that is failed or lost
#   foreign COUNT SINCE TEXT    if the session belongs to another owner
#   sample UPTIME [FOLDER,PID,USER,SYSTEM,PAGES]...
# If any process of a component runs, there are two samples, 0.3 s apart, of the resources that each has used so far. The
# program of the component may have ended. USER and SYSTEM are in 1/100 s.
# Every program that this script starts costs a millisecond of CPU time.
. ./state_dir.sh
. ./descendants.sh
. ./own_output.sh
. ./ownership.sh

main() {
  need screen
  find_state_dir
  [ -d "$state" ] || make_state_dir
  enter_state_dir
  find_session
  find_page_size
  answer "units $(date +%s) $page_size"
  since=
  [ -z "$id" ] || ! read_stat "${id%%.*}" || since=$stat_birth
  members=
  for folder in $folders; do report_component; done
  report_foreign
  [ -z "$members" ] || report_usage
}

# find_page_size: set $page_size, in bytes. Some kernels do not tell.
find_page_size() {
  page_size=4096
  while read -r word size _; do
    [ "$word" != KernelPageSize: ] || break
  done 2>/dev/null </proc/self/smaps && [ "$size" ] && page_size=$((size * 1024))
  :
}

# report_component: answer for the component in $folder.
report_component() {
  read_notes
  stopped='' loss=''
  if is_running "$folder"; then
    word=running ended='' status=''
    program=$pid
    members="${members}start $folder $pid${newline}window $folder $stat_session $launcher$newline"
    add_component
  elif is_of_session "$started_in" && [ -e "$folder/launcher.pid" ]; then
    find_end_word
    add_component
  else
    word=waiting program='' status='' started='' ended='' ready='' unready=''
  fi
  answer "component $folder $word $program $status $started $ended $ready $unready $stopped $loss"
  [ -z "$with_origins" ] || [ "$word" = waiting ] || [ ! -s "$folder/origin" ] ||
    answer "origin $folder $(cat "$folder/origin")"
  ! is_bad || answer "output $folder $(output_end "$folder" 8)"
}

# add_component: add $folder to the input of descendants. After a reboot, no process of it can be left. No process of a
# component is older than the session and all programs.
add_component() {
  [ "${started_boot:-$boot}" = "$boot" ] || return 0
  [ -z "$tag" ] || members="${members}tag $folder $tag$newline"
  [ "$begun" ] || return 0
  [ "$since" ] && [ "$since" -le "$begun" ] || since=$begun
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
  read_note "$folder" boot && started_boot=$note
  read_note "$folder" born && begun=$note
  read_note "$folder" begun && begun=${note:-$begun}
}

# report_usage: answer with two samples of the processes of components. $members is the input of descendants.
report_usage() {
  members="${members}since ${since:-0}"
  found=$(descendants "$members")
  look=first
  retry take_samples
  case $samples in
    found*) # so look again for all that descends from these
      found=$(descendants "$members$newline$samples")
      look=last
      retry take_samples
      ;;
  esac
  IFS=$newline
  for sample in $samples; do answer "$sample"; done # dash needs seconds for ${samples#*"$newline"}
  unset IFS
}

# take_samples: set $samples to two samples of the processes in $found. Environments tell which of them are of other screen
# sessions, and which other processes have the mark of a component. At the first look, set it to a line `found FOLDER PID`
# for each of the latter, if there are any. For the fields of stat see proc(5).
# shellcheck disable=SC2086 # one word for each file
take_samples() {
  files=${found%%"$newline"*}
  files=${files#files}
  samples=$({
    printf '%s\n' "$found"
    LC_ALL=C grep -aszHE '^(STY|REMOTE_RUNNER_COMPONENT)=' /dev/null $files | tr '\000' '\n'
  } | in_own="$newline$own_marks$newline" in_state="$state/" in_folders=" $folders " LC_ALL=C awk -v look="$look" '
    /^\/proc\/[0-9]+\/environ:/ {
      split($0, part, "/")
      line = substr($0, index($0, ":") + 1)
      if (line ~ /^STY=/) {
        if (index(ENVIRON["in_own"], "\n" line "\n") == 0) elsewhere[part[3]]
        next
      }
      folder = substr(line, index(line, "=") + 1)
      if (index(folder, ENVIRON["in_state"]) != 1) next
      folder = substr(folder, length(ENVIRON["in_state"]) + 1)
      if (index(ENVIRON["in_folders"], " " folder " ")) marked[part[3]] = folder
      next
    }
    $1 == "-" { orphan[$2]; next }
    NF == 2 && $1 != "files" { owner[$2] = $1 }
    END {
      for (pid in elsewhere) delete owner[pid]
      if (look == "first") for (pid in orphan) if (pid in marked && !(pid in elsewhere)) {
        print "found", marked[pid], pid
        is_marked = 1
      }
      for (pid in owner) is_any = 1
      if (!is_any || is_marked) exit
      sample()
      system("sleep 0.3")
      sample()
    }
    function sample(   pid, file) {
      getline <"/proc/uptime"
      close("/proc/uptime")
      printf "sample %s", $1
      for (pid in owner) {
        file = "/proc/" pid "/stat"
        if ((getline <file) <= 0) continue
        sub(/^.*\) /, "") # the name may contain spaces and parentheses; the next field is the third one
        if (NF < 20) { # the name contains a newline
          while ((getline <file) > 0);
          sub(/^.*\) /, "")
        }
        close(file)
        if ($1 !~ /[ZX]/) printf " %s,%s,%s,%s,%s", owner[pid], pid, $12, $13, $22
      }
      print ""
    }')
}
