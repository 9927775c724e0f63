# The first stage of every command that changes something: whether this host is ready for it. Changes nothing.
# Needs from the header: session, tools, owner, owner_text, replace, and as arguments what check_requirements takes.
# Answers: foreign COUNT SINCE TEXT if the session belongs to another owner; then `checked`.
. ./tools.sh
. ./requirements.sh
. ./screen.sh
. ./ownership.sh

main() {
  # shellcheck disable=SC2086 # one word for each tool
  need $tools
  check_requirements "$@"
  find_state_dir
  check_screen
  [ -n "$replace" ] || report_foreign
  answer checked
}

# check_screen: fail if screen cannot start a session, for example because its folder belongs to another user.
check_screen() {
  case " $tools " in *" screen "*) ;; *) return 0 ;; esac
  find_screen_problem "$(screen -ls 2>&1)"
  [ -z "$problem" ] || fail "screen: $problem"
}
