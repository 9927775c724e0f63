# The first stage of every command that changes something: whether this host is ready for it. Changes nothing.
# Needs from the header: session, tools, owner, owner_text, replace, in_session (the command works in a session that is
# there already), and as arguments what check_requirements takes.
# Answers: foreign COUNT SINCE TEXT if the session belongs to another owner; then `checked`.
. ./tools.sh
. ./requirements.sh
. ./screen.sh
. ./ownership.sh

main() { check_host $# "$@"; }

# check_host COUNT WORDS: see check_requirements.
check_host() {
  # shellcheck disable=SC2086 # one word for each tool
  need $tools
  check_requirements "$@"
  find_state_dir
  check_screen
  [ -n "$replace" ] || report_foreign
  [ -z "$in_session" ] || is_locked || need_session
  answer checked
}

# check_screen: fail if screen cannot start a session, for example because its folder belongs to another user.
check_screen() {
  case " $tools " in *" screen "*) ;; *) return 0 ;; esac
  find_screen_problem "$(screen -ls 2>&1)"
  [ -z "$problem" ] || fail "screen: $problem"
}

# is_locked: whether another command has locked the session, or is about to. It may just be replacing the session, so the
# next stage reports the lock.
is_locked() {
  for claim in "$state"/.held.*; do
    claim=${claim##*/.held.}
    [ "$claim" = "$connection.$connection_birth" ] || ! is_same_process "$claim" || return 0
  done
  return 1
}
