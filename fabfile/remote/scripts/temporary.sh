# The temporary folders of components that have no base_dir.
. ./state_dir.sh

# find_temporary FOLDER: set $dir to the temporary folder of a component. Fail if it has none, or not its own.
find_temporary() {
  { read -r dir <"$state/$1/base_dir" && [ -d "$dir" ] && [ -O "$dir" ] && [ ! -h "$dir" ]; } 2>/dev/null
}

# make_temporary FOLDER: set $dir to it; create it the first time.
make_temporary() {
  ! find_temporary "$1" || return 0
  dir=$(mktemp -d "${TMPDIR:-/tmp}/remote-runner.XXXXXXXXXX") &&
    (umask 077 && mkdir -p "$state/$1" && printf '%s\n' "$dir" >"$state/$1/base_dir")
}
