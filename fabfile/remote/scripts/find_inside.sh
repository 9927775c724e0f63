# Run by xargs with FOLDER PATH...: print each path that leads to the folder or into it. FOLDER is a path without links.
folder=$1
shift
for path; do
  [ -n "$path" ] || continue
  user=${path%%/*} home=
  case $user in \~*[!A-Za-z0-9_.-]*) ;; \~*) eval "home=$user" ;; esac
  path=${home:-$user}${path#"$user"}
  real=$(cd -P -- "$path" 2>/dev/null && printf '%s.' "$PWD") ||
    real=$(realpath -m -- "$path"). # the path does not exist yet
  case ${real%.}/ in "${folder%/}"/*) printf '%s\n' "$path" ;; esac
done
