# fab sync: bring files to this host. See sync_agent.sh for the header and the commands.
. ./tools.sh
. ./session_lock.sh
. ./temporary.sh
. ./ownership.sh
. ./sync_agent.sh

main() {
  need openssl tar
  lock_session
  take_ownership
  name_staging
  # A file without a name: it exists as long as it is open.
  create_file ".list.$$"
  exec 9<>"$state/.list.$$"
  rm -f "$state/.list.$$"
  list=/proc/$$/fd/9
  umask "$own_umask"
  unstage
  trap unstage EXIT
  serve "$@"
}

set_temporary_root() { make_temporary "$1" && root=$dir; }
