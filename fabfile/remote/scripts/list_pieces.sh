# Run by xargs with PIECE-MB FILE: print NUMBER and FILE for each piece of the file that holds data, for hash_piece.sh.
# Print the SHA-1 of each piece that is a hole to descriptor 3, as hash_piece.sh does. tar knows the holes: it puts the
# parts that hold data into the first header, as `GNU.sparse.map=OFFSET,LENGTH,...`. The last part ends with the file, and
# may be empty. So a shorter piece at the end is no hole.
file=$2
# shellcheck disable=SC2046 # three numbers
set -- $(($1 << 20)) $(stat -L -c '%s %b' -- "$file")
[ $# -eq 3 ] || exit
{ [ $(($3 * 512)) -ge "$2" ] || tar --format=posix --sparse-version=0.1 -PSchf - /dev/fd/4 4<"$file" | head -c 100000; } |
  tr '\0' '\n' | awk -F , -v piece="$1" -v size="$2" '
    sub(/^[0-9]+ GNU\.sparse\.map=/, "") {
      is_sparse = NF % 2 == 0 && $(NF - 1) + $NF == size
      for (i = 1; i < NF; i += 2)
        for (n = int($i / piece); n * piece < $i + $(i + 1); n++) has_data[n] = 1
      exit
    }
    END { for (n = 0; n * piece < size; n++) print n, is_sparse && !(n in has_data) }
  ' | while read -r number is_hole; do
  if [ "$is_hole" = 0 ]; then
    printf '%s\0%s\0' "$number" "$file"
    continue
  fi
  [ "${hash-}" ] || hash=$(head -c "$1" /dev/zero | openssl dgst -sha1 -r) || exit
  printf '%s %s %s\0' "${hash%% *}" "$number" "$file" >&3
done
