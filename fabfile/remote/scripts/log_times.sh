# Times of output lines, from the file `times` that the note-taker writes beside `output`: lines `TIME SIZE`.
# For the output of $folder, which was last written at $changed and had $size bytes then:
. ./own_output.sh

# print_times: print TIME:SIZE, separated by commas, of all notes behind $offset. Later calls in the same script get
# only the last pair: the notes are printed once ($first). `sort -m` puts a number between the notes, which ascend.
print_times() {
  [ -z "$first" ] || echo "- $offset" | LC_ALL=C sort -m -n -s -k 2,2 "$folder/times" - 2>/dev/null |
    sed '0,/^-/d' | tr ' \n' ':,'
  printf '%s:%s' "$changed" "$size"
}

# skip_to_since: move $offset to the first line that was written at or after the time $since. A line that goes on at
# that place is shown whole.
skip_to_since() {
  from=$(echo "$since -" | LC_ALL=C sort -m -n -s -k 1,1 - "$folder/times" 2>/dev/null | sed '/-$/,$d' | tail -n 1)
  from=${from#* }
  if [ "$changed" -lt "$since" ]; then
    from=$size
    [ "$follow" ] || {
      offset=$size
      return
    }
  fi
  [ "${from:-0}" -le "$size" ] || from=$size
  [ "${from:-0}" -gt "$offset" ] || return 0
  begin=$((from > 65536 ? from - 65536 : 0))
  length=$({
    output_bytes "$folder" $begin $((from - begin))
    echo .
  } | tail -n 1 | wc -c)
  offset=$((from + 2 - length))
}
