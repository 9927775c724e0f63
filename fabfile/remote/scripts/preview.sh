# fab plan, and hashes for fab collect: as sync.sh, for commands that change nothing. A temporary folder that is not
# there yet is replaced by an empty one.
# Needs from the header also: not_yet (the name of that).
. ./tools.sh
. ./temporary.sh
. ./sync_agent.sh

main() {
  need openssl tar
  preview "$@"
}

preview() {
  find_state_dir
  name_staging
  scratch=$(mktemp -d "${TMPDIR:-/tmp}/remote-runner.XXXXXXXXXX") || fail "cannot create a temporary folder; is /tmp full?"
  trap 'rm -rf "$scratch"' EXIT
  list=$scratch/list
  mkdir "$scratch/$not_yet"
  serve "$@"
  rm -rf "$scratch"
}

set_temporary_root() { if find_temporary "$1"; then root=$dir; else root=$scratch/$not_yet; fi; }
