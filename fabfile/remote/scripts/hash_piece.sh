# Run by xargs with PIECE-MB NUMBER FILE: print the SHA-1 of that piece of the file.
hash=$(dd if="$3" bs=1M skip=$(($2 * $1)) count="$1" status=none | openssl dgst -sha1 -r) &&
  printf '%s %s %s\0' "${hash%% *}" "$2" "$3"
