# Run by xargs with TARGET STAMP FILE: copy the file to the target, unless it has changed since its stamp.
{ cp --reflink=auto -T -- "$3" "$1" && [ "$(stat -L --printf %.9Z -- "$3")" = "$2" ]; } || {
  rm -f -- "$1"
  echo "$3: changed on the host during the comparison"
}
