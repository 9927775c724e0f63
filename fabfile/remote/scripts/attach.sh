# fab attach: where the window of a component is.
# Needs from the header: session, component (its folder), title.
# Answers: PID.NAME of the session, and the number of the window in it.
. ./state_dir.sh
. ./screen.sh
. ./window.sh

main() {
  need screen
  find_state_dir
  need_session
  { cd "$state" 2>/dev/null && [ -e "$component/launcher" ]; } ||
    fail "$title has not been started in session \"$session\""
  find_window "$component" "$title" || fail "the window of $title is closed; to see its output, use: $controller_program logs"
  answer "$id $window"
}
