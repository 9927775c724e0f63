#!/bin/sh
# server.sh ADDRESS PORT [PRIMARY-ADDRESS PRIMARY-PORT]: start a PostgreSQL server with the database in the folder `data`, and
# end. With a primary, it is a replica, and begins with a copy of the primary.
set -e
for folder in $(ls -d /usr/lib/postgresql/*/bin | sort -V); do PATH=$folder:$PATH; done # Debian does not link initdb
if [ ! -e data/PG_VERSION ]; then
  if [ $# -gt 2 ]; then
    pg_basebackup -h "$3" -p "$4" -U postgres -D data --write-recovery-conf --checkpoint=fast
  else
    initdb -D data -U postgres --auth=trust --no-instructions
    printf 'host %s postgres samenet trust\n' all replication >>data/pg_hba.conf
  fi
fi
pg_ctl start -D data -l log --no-wait -o "-h $1 -p $2 -c unix_socket_directories="
