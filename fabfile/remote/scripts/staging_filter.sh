# Run by xargs, in front of another script: keep the arguments that are staging folders. Exit if there are none.
for folder; do
  shift
  case $folder in */"$staging" | */"$staging-old") [ ! -d "$folder" ] || set -- "$@" "$folder" ;; esac
done
[ $# -gt 0 ] || exit 0
