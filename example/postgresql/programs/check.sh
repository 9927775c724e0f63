#!/bin/sh
# check.sh PRIMARY-ADDRESS PORT REPLICA-ADDRESS PORT ROWS: write rows to the primary, and wait until the replica has them.
set -e
query() { psql -h "$1" -p "$2" -U postgres -qtA -c "$3"; }
query "$1" "$2" "create table if not exists numbers as select 0 as n; insert into numbers select generate_series(1, $5)"
rows=$(query "$1" "$2" 'select count(*) from numbers')
tries=0
until [ "$(query "$3" "$4" "select case when pg_is_in_recovery() then count(*) end from numbers" || :)" = "$rows" ]; do
  tries=$((tries + 1))
  if [ $tries -gt 100 ]; then
    echo "the replica does not have all $rows rows" >&2
    exit 1
  fi
  sleep 0.1
done
printf 'rows,looks\n%s,%s\n' "$rows" $((tries + 1)) >replication.csv
echo "the replica has all $rows rows"
