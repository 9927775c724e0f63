# fab sync --relay: as sync.sh, on a host that passes batches on to others.
. ./sync.sh
. ./relay.sh
