# The staging folders of a sync, and their removal. Each session has its own name for them.
# Needs from the header: session, and staging_filter, which is a script that xargs runs.
. ./state_dir.sh

# name_staging: set $staging, the name of staging folders. It differs for each machine in a home that they share, and
# for each user in a folder that both may write to. find -execdir refuses a PATH with relative folders.
name_staging() {
  # shellcheck disable=SC2046 # two words: checksum and length
  set -- $(printf '%s\n' "$HOME" | cksum)
  export staging=".remote-runner-$session@$machine-$1-$2"
  export LC_ALL=C
  case :$PATH in *:[!/]* | *::* | *:)
    PATH=$(printf %s "$PATH" | tr : '\n' | grep ^/ | tr '\n' :)
    PATH=${PATH%:}
    ;;
  esac
  trap 'exit 1' HUP INT PIPE TERM
}

# unstage: remove the staging folders that were written down.
unstage() {
  [ -f "$state/.staging" ] || return 0
  # shellcheck disable=SC2016 # sh -c expands it
  xargs -0 -r sh -c "$staging_filter"'rm -rf -- "$@"' sh <"$state/.staging" 2>/dev/null && rm -f "$state/.staging"
}
