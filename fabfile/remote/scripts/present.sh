# fab plan: which sessions and components are there. Changes nothing.
# Needs from the header: session, folders.
# Answers: session PID.NAME, and running FOLDER.
. ./state_dir.sh
. ./screen.sh
. ./launched.sh

main() {
  need screen openssl tar
  find_state_dir
  for id in $(own_sessions); do answer "session $id"; done
  cd "$state" 2>/dev/null || return 0
  for folder in $folders; do ! is_running "$folder" || answer "running $folder"; done
}
