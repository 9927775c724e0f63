# Run by xargs with TOP PATH...: remove entries below the folder TOP, whose path has no links. The content of a folder
# comes before the folder, whose path ends with a slash. Answer with path and reason for each entry that is left.
# `cd -P` shows if a link has taken the place of a folder. Names in the folder that was entered are then safe.
top=$1 folder='' batch='' count=0
shift

# enter FOLDER
enter() { cd -P -- "$top/$1" 2>/dev/null && [ "$PWD" = "$top${1:+/$1}" ]; }

# remove COMMAND...: run it with the names of $batch in the present folder, even if its owner must not write to it.
remove() {
  mode=
  [ -w . ] || { mode=$(stat -c %a .) && chmod u+w .; }
  output=$(eval "\"\$@\" -- $batch" 2>&1) || eval "report $batch"
  [ -z "$mode" ] || chmod "$mode" .
  batch='' count=0
}

report() {
  for name; do
    if [ -e "$name" ] || [ -h "$name" ]; then left "${folder:+$folder/}${name#./}" "${output##*: }"; fi
  done
}

# left PATH REASON
left() { printf 'left %s\0why %s\0' "$1" "$2"; }

# quoted NAME: set $quoted to a word of sh. Only a single quote would end it.
quoted() {
  case $1 in
    *\'*) quoted=\'./$(printf '%s.' "$1" | sed "s/'/'\\\\''/g") && quoted=${quoted%.}\' ;;
    *) quoted="'./$1'" ;;
  esac
}

entered=
for path; do
  name=${path%/}
  case $name in */*) into=${name%/*} name=${name##*/} ;; *) into= ;; esac
  if [ "$into" != "$folder" ] || [ -z "$entered" ]; then
    [ -z "$batch" ] || remove rm -f
    folder=$into
    if enter "$folder"; then entered=yes; else entered=; fi
  fi
  if [ -z "$entered" ]; then
    left "${path%/}" 'the folder has changed, or cannot be entered'
    continue
  fi
  case $path in
    */)
      [ -z "$batch" ] || remove rm -f
      quoted "$name" && batch=$quoted
      remove rmdir
      ;;
    *)
      quoted "$name" && batch="$batch $quoted"
      count=$((count + 1))
      [ "$count" -lt 500 ] || remove rm -f
      ;;
  esac
done
[ -z "$batch" ] || remove rm -f
