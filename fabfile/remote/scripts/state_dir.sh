# The state directory of a session on this host; see fabfile/remote/state_dir.py.
# Needs from the header: session.
. ./prologue.sh

# find_state_dir: set $state, the path. Fail if it belongs to another user.
find_state_dir() {
  state=${XDG_STATE_HOME:-$HOME/.local/state}/remote-runner/$machine/$session
  for folder in "${state%/*/*}" "${state%/*}" "$state"; do
    if [ -h "$folder" ] || { [ -e "$folder" ] && [ ! -O "$folder" ]; }; then
      fail "$folder belongs to another user, or is a symbolic link; remove it"
    fi
  done
}

# make_state_dir: set $state and create it. Nobody else can read the files that are made from here on. $own_umask is
# the umask for files that do not belong to the state directory.
make_state_dir() {
  find_state_dir
  own_umask=$(umask)
  umask 077
  [ -d "$state" ] || mkdir -p "$state" || fail "cannot create $state; check free space and permissions"
  # An earlier version may have made it more open. On a read-only disk this fails, and nothing depends on it.
  chmod go= "${state%/*/*}" "${state%/*}" "$state" 2>/dev/null
}

# create_file NAME: create an empty file in the state directory, or fail. A redirection of `exec` that fails would end the
# script without a word.
create_file() { { true >"$state/$1"; } 2>/dev/null || fail "cannot create $state/$1; is the disk full?"; }

# enter_state_dir: make it the current folder.
enter_state_dir() { cd "$state" || fail "cannot enter $state; check its permissions"; }
