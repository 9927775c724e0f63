# Run by xargs with ROOT FOLDER...: remove the folders below ROOT that are empty, and print a line for each. Keep homes,
# folders of other users, folders for everybody such as /tmp, and those behind links.
root=$1
shift
homes=$(cut -d : -f 6 /etc/passwd)
for folder; do
  path=$root/$folder
  parent=${path%/*}
  [ "$(cd -P -- "${parent:-/}" && pwd -P)" = "${parent:-/}" ] || continue
  if [ -h "$path" ] || [ ! -O "$path" ] || [ -k "$path" ]; then continue; fi
  [ "$(cd -P -- "$HOME" && pwd -P)" != "$path" ] || continue
  ! printf '%s\n' "$homes" | grep -qxF -e "$path" || continue
  ! rmdir -- "$path" || echo removed
done
exit 0
