#!/bin/sh
# worker.sh COUNT [WORD...]: counts to COUNT, a second a step, and says the words.
count=$1
shift
number=0
while [ "$number" -lt "$count" ]; do
  number=$((number + 1))
  echo "worker: $number of $count"
  sleep 1
done
printf 'worker was told: %s\n' "$@"
