#!/bin/sh
# worker.sh COUNT [WORD...]: count to COUNT, one per second, then print the words.
count=$1
shift
number=0
while [ "$number" -lt "$count" ]; do
  number=$((number + 1))
  echo "worker: $number of $count"
  sleep 1
done
printf 'worker argument: %s\n' "$@"
