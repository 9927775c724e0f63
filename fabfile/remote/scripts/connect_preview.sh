# connect.sh and preview.sh in one script, for a host on which a sync may remove files: so these take no further channel.
# Needs from the header and as arguments what both need, and connect_words: how many of the arguments are for connect.sh.
. ./connect.sh
. ./preview.sh

main() { # in place of theirs
  check_host "$connect_words" "$@"
  shift "$connect_words"
  preview "$@"
}
