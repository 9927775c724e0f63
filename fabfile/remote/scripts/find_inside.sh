# Run by xargs with FOLDER PATH...: print each path that leads to the folder or into it. FOLDER is a path without links.
folder=$1
shift
for path; do
  [ -n "$path" ] || continue
  case $path in \~ | \~/*) path=$HOME${path#\~} ;; esac
  real=$(cd -P -- "$path" 2>/dev/null && printf '%s.' "$PWD") || real=$path.
  case ${real%.}/ in "${folder%/}"/*) printf '%s\n' "$path" ;; esac
done
