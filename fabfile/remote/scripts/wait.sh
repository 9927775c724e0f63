# fab wait: report each component that ends; then, on command, terminate others.
# Needs from the header: session, pending (folders to report), folders (to terminate), once (look only once).
# Reads one command: `terminate`, or `leave`. It ends by itself once all have ended and nothing is to be terminated.
# Answers: ended FOLDER STATUS STOPPED SECONDS, a newline, and the end of the output if it failed. STATUS is an exit
# status, `never` (it was not started), or the reason of find_loss. STOPPED is `stopped` after fab stop,
# or empty. SECONDS may be empty.
. ./state_dir.sh
. ./end_processes.sh
. ./own_output.sh

# shellcheck disable=SC2119 # they need only the packages of all scripts
main() {
  need
  make_state_dir
  enter_state_dir
  list_sessions
  command=/dev/null is_last=$once
  [ "$is_last" ] || read_command_in_background
  await_ends
  [ "$once" ] || terminate_on_command
}

# sh has no `read` with a timeout, so another process reads the command and writes it to the file $command. The file
# has no name any more: it exists as long as it is open.
read_command_in_background() {
  create_file ".command.$$"
  exec 3<&0 9<>"$state/.command.$$"
  rm -f "$state/.command.$$"
  command=/proc/$$/fd/9
  { read -r word <&3 && echo "$word" >"$command"; } &
  reader=$!
}

# await_ends: answer for each of $pending once it has ended. After a command, look once more, so that no end before it
# is missed.
await_ends() {
  rounds=0
  while [ -n "$pending" ]; do
    ! is_orphaned || exit
    [ ! -s "$command" ] || is_last=yes
    left=
    for folder in $pending; do
      find_end
      if [ "$end" ]; then answer_end "$folder" "$end"; else left="$left $folder"; fi
    done
    pending=$left
    rounds=$((rounds + 1))
    [ -z "$is_last" ] || break
    [ -z "$pending" ] || sleep 0.2
  done
}

# find_end: set $end to how the component in $folder ended, or to nothing. A launcher that is gone without a status has
# lost its program. Its process id may belong to another process by now; that is only looked up every few seconds, since
# it takes ten times as long.
find_end() {
  end=
  if [ ! -e "$folder/launcher.pid" ] || { [ $rounds -eq 0 ] && is_of_earlier_session; }; then
    end=never
    return
  elif ! { read -r pid <"$folder/launcher.pid" && [ -d "/proc/$pid" ]; } 2>/dev/null ||
    { [ $((rounds % 25)) -eq 0 ] && ! launcher_runs "$folder"; }; then
    end=lost
  fi
  read_note "$folder" status
  end=${note:-$end}
  case $end in
    lost | 129 | 143)
      find_loss "$folder"
      end=${loss:-$end}
      ;;
  esac
}

# is_of_earlier_session: whether the component in $folder ended before the present session began.
is_of_earlier_session() {
  read_note "$folder" session
  ! is_of_session "$note" && ! launcher_runs "$folder"
}

# terminate_on_command: end the programs of $folders and all that they started. The session and its windows stay.
terminate_on_command() {
  if [ -z "$folders" ]; then
    kill "$reader"
    return
  fi
  wait "$reader"
  read -r word <"$command"
  [ "$word" = terminate ] || return 0
  whole_session='' servers='' roots=''
  for folder in $folders; do
    is_running "$folder" || continue
    mark_stopped "$folder"
    roots="$roots $pid"
  done
  marks=$(for folder in $folders; do echo "REMOTE_RUNNER_COMPONENT=$state/$folder"; done)
  tags=$(tags_of "$folders")
  end_members
}
