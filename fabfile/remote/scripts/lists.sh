# Lists of paths that a controller sends behind a command. A line with a dot ends them: a connection that is cut in the
# middle of a path leaves the path of something else.
# $list is the file for them, and $size their number of bytes.
. ./state_dir.sh

# read_end: read the line that ends a command, or exit.
read_end() { read -r end && [ "$end" = . ] || exit; }

# read_list: read $size bytes of paths into $list.
read_list() {
  true >"$list"
  [ "$size" -eq 0 ] || head -c "$size" >"$list" || fail "cannot write $state; is the disk full?"
  read_end
}

# read_target LENGTH: read a path into $target. The dot keeps newlines at its end.
read_target() {
  target=$(head -c "$1" && echo .)
  target=${target%.}
}

# each COMMAND...: run it with the paths of $list.
each() { [ "$size" -eq 0 ] || xargs -0 "$@" <"$list"; }
