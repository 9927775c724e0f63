# Start the note-taker of a session; see note_taker.sh.
# Needs from the header: note_taker (that script).
. ./proc_stat.sh

# ensure_note_taker: start the note-taker of the session $id, unless it runs. If it does, this starts no program.
# Without setsid, an interrupted start on localhost takes the note-taker along; the next start brings it back.
# On a full disk there is none, and then no times are known.
ensure_note_taker() {
  line=
  { read -r noting of <.noting && [ "$of" = "$id" ] && read -r line <"/proc/$noting/cmdline"; } 2>/dev/null
  case $line in *"$state/.note-times"*) return ;; esac
  printf '%s' "$note_taker" >.note-times || return 0
  (
    unset REMOTE_RUNNER_COMPONENT
    drop_tag
    export STY="$id"
    # shellcheck disable=SC2046 # no word at all without setsid
    exec $(command -v setsid) sh "$state/.note-times" "$id"
  ) </dev/null >/dev/null 2>&1 9>&- &
}
