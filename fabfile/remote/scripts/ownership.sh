# Owners of sessions. A session belongs to the config and the user that started it; see components/ownership.py.
# The file $state/.owner has three lines: identity, description for people, and since when (seconds since 1970).
# A session without it counts as one's own: it was made by hand or by an earlier version.
# Needs from the header: session, owner (identity), owner_text (description), replace.
. ./state_dir.sh
. ./component_state.sh

# find_foreign: whether the session belongs to another owner and any of its components runs. Sets $foreign_text,
# $foreign_since and $foreign_count.
find_foreign() {
  { read -r foreign_owner && read -r foreign_text && read -r foreign_since; } 2>/dev/null <"$state/.owner" || return
  [ "$foreign_owner" != "$owner" ] || return
  foreign_count=$(count_running)
  [ "$foreign_count" -gt 0 ]
}

# count_running: print how many components of the session run.
count_running() (
  cd "$state" 2>/dev/null || return
  count=0
  for launcher_file in */launcher; do
    ! is_running "${launcher_file%/launcher}" || count=$((count + 1))
  done
  echo "$count"
)

# report_foreign: answer if the session belongs to another owner.
report_foreign() { ! find_foreign || answer "foreign $foreign_count $foreign_since $foreign_text"; }

# check_owner: fail if the session belongs to another owner, unless it is to be replaced. Call it under the hold: another
# command may have taken the session since the first check.
check_owner() {
  [ -z "$replace" ] || return 0
  ! find_foreign || fail "session \"$session\" now belongs to $foreign_text"
}

# take_ownership: check_owner, and become the owner.
take_ownership() {
  check_owner
  claimed_by=
  { read -r claimed_by <"$state/.owner"; } 2>/dev/null
  [ "$claimed_by" = "$owner" ] || printf '%s\n' "$owner" "$owner_text" "$(date +%s)" >"$state/.owner"
}
