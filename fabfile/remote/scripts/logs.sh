# fab logs: what components have written, from a position on, and what they write after that.
# Needs from the header: session, folders, and
#   positions    FOLDER/TIME/OFFSET of the outputs that have been read before, each between spaces
#   lines        number of last lines (empty: all)
#   since, ago   seconds since 1970, or before now (empty: all)
#   follow, timestamps
# TIME is when the launcher was written, which is after an earlier output was removed.
# Answers: output FOLDER TIME/OFFSET TIMES CONTENT. With $follow, `looked` follows the answers of the first look. NUL ends
# an answer, so in the content it becomes DEL, which a terminal does not show either.
. ./tools.sh
. ./state_dir.sh
. ./log_times.sh

# shellcheck disable=SC2119 # they need only the packages of all scripts
main() {
  need
  make_state_dir
  enter_state_dir
  [ -z "$ago" ] || since=$(($(date +%s) - ago))
  files=$(for folder in $folders; do echo "$folder/launcher" "$folder/output"; done)
  first=yes cuts=' '
  while ! is_orphaned; do
    now=' ' cuts_now=' '
    read_all
    positions=$now cuts=$cuts_now
    [ "$follow" ] || break
    [ -z "$first" ] || answer looked
    lines='' since='' first=''
    sleep 0.2
  done
}

# read_all: answer with what each output has got since the last look, all by one `stat`.
read_all() {
  # shellcheck disable=SC2086 # one word for each file
  while read -r time size file; do
    changed=${time%%[!0-9]*}
    case $file in
      */launcher) written=$time ;;
      */output) read_output "$file" "$written" ;;
    esac
  done <<END
$(stat -c '%.9Y %s %n' -- $files 2>/dev/null)
END
}

# read_output FILE TIME: answer with the content behind its position. Answer with the position even if there is nothing
# behind it: from here on, nothing must be missed.
read_output() {
  folder=${1%/output}
  cut_output "$2/$size"
  find_offset "$1" "$2"
  case $positions in *" $folder/$2/"*) ;; *) answer "output $folder $2/$offset  " ;; esac
  with_times=$timestamps
  while [ "$offset" -lt "$size" ]; do
    count=$((size - offset))
    [ $count -le 131072 ] || count=131072
    printf 'output %s %s/%s ' "$folder" "$2" $((offset + count))
    [ -z "$with_times" ] || print_times
    printf ' '
    output_bytes "$folder" "$offset" "$count" | tr '\000' '\177'
    printf '\0'
    offset=$((offset + count))
    with_times=
  done
  now="$now$folder/$2/$offset "
}

# cut_output TIME/SIZE: set $size without the lines of screen, and $whole with them. Keep the newline with which they
# begin if it ends a line of the program. The last look has left its results in $cuts.
cut_output() {
  whole=$size
  case $cuts in
    *" $folder/$1/"*)
      size=${cuts#*" $folder/$1/"}
      size=${size%% *}
      ;;
    *)
      find_own_size "$folder" "$whole"
      [ "$size" -eq "$whole" ] || is_behind_newline || size=$((size + 1))
      ;;
  esac
  cuts_now="$cuts_now$folder/$1/$size "
}

# is_behind_newline: whether the output begins or has a newline before $size.
is_behind_newline() {
  [ "$size" -eq 0 ] || [ -z "$(output_bytes "$folder" $((size - 1)) 1 | tr '\000' .)" ]
}

# find_offset FILE TIME: set $offset to where to go on. A component that was started again has a new output.
find_offset() {
  offset=0
  case $positions in
    *" $folder/$2/"*)
      offset=${positions#*" $folder/$2/"}
      offset=${offset%% *}
      ;;
    *" $folder/"*) ;;
    *)
      [ -z "$lines" ] || skip_to_last_lines "$1"
      [ -z "$since" ] || skip_to_since
      ;;
  esac
  [ "$offset" -le "$size" ] || offset=0
}

# skip_to_last_lines FILE: move $offset to the last $lines lines. What follows $size holds lines as well.
skip_to_last_lines() {
  wanted=$lines
  [ "$size" -eq "$whole" ] || wanted=$((lines + $(tail -c "+$((size + 1))" -- "$1" | grep -c '')))
  offset=$((whole - $(tail -n "$wanted" -- "$1" | head -c "$whole" | wc -c)))
  [ "$offset" -le "$size" ] || offset=$size
}
