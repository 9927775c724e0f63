# Removal of files on the host that a folder of util.tree no longer has. A part of sync_agent.sh.
# Needs from the header also the scripts that xargs runs: find_inside, remove_listed.

# list_tree LENGTH DEPTH: answer with kind and path of everything below $target. Staging folders do not count.
list_tree() {
  [ -d "$target" ] || [ -h "$target" ] || return 0
  guard "$2"
  find -P "$target" -xdev -mindepth 1 -name '.remote-runner-*' -prune -o -printf '%y %P\0' 2>/dev/null
}

# remove_below LENGTH DEPTH: remove entries below $target, which $list names. Answer with path and reason for each that is left.
remove_below() {
  guard "$2"
  each sh -c "$remove_listed" sh "$real"
}

# guard DEPTH: set $real to the real path of $target. Fail unless files below it may be removed: if one of the last
# DEPTH names of the path is a link, or if the folder contains a home, $state, another temporary folder, or a folder of $list.
guard() {
  anchor=$target below='' depth=$1
  while [ "$depth" -gt 0 ]; do
    below=/${anchor##*/}$below anchor=${anchor%/*} depth=$((depth - 1))
  done
  anchor=$(real_path "${anchor:-/}")
  anchor=${anchor%.}
  real=$(real_path "$target")
  real=${real%.}
  if [ -z "$real" ] || [ "$real" != "${anchor%/}$below" ]; then
    fail "$(shown_target): delete=True removes nothing through a symbolic link; name the real folder"
  fi
  inside=$(protected | xargs -0 sh -c "$find_inside" sh "$real" | head -n 1)
  [ -z "$inside" ] || fail "$(shown_target): delete=True removes nothing from a folder that contains $inside"
}

# real_path FOLDER: print its path without links. The dot keeps newlines at its end.
real_path() { cd -P -- "$1" 2>/dev/null && printf '%s.' "$PWD"; }

# protected: print the folders that a tree must not contain.
protected() {
  printf '%s\0' / "$HOME" "$state"
  cut -d : -f 6 /etc/passwd 2>/dev/null | tr '\n' '\0'
  cat "${state%/*}"/*/*/base_dir 2>/dev/null | grep -vxF -e "$PWD" | tr '\n' '\0' # this one may be the root of the tree
  [ "$command" != list ] || cat "$list"
}

# shown_target: print the absolute path of $target.
shown_target() {
  case $target in
    .) pwd ;;
    ./*) printf '%s/%s\n' "$PWD" "${target#./}" ;;
    *) printf '%s\n' "$target" ;;
  esac
}
