# fab plan: which sessions and components are there. Changes nothing.
# Needs from the header: session, owner, owner_text, replace, folders.
# Answers: session PID.NAME, running FOLDER, and foreign COUNT SINCE TEXT if the session belongs to another owner.
. ./state_dir.sh
. ./screen.sh
. ./ownership.sh

main() {
  need screen openssl tar
  find_state_dir
  report_foreign
  list_sessions
  check_listing
  for id in $own_sessions; do answer "session $id"; done
  cd "$state" 2>/dev/null || return 0
  for folder in $folders; do ! is_running "$folder" || answer "running $folder"; done
}
