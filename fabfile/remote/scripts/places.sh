# The file systems of folders that need not be there yet.
. ./temporary.sh

seen_places=

# report_place temporary FOLDER | path PATH | state -: answer with `place FOLDER`, the deepest folder on the way that exists,
# and before it with `volume BLOCKS SIZE INODES FREE-INODES OPTIONS FOLDER` the first time. The free BLOCKS have that SIZE.
# OPTIONS are those of the mount. The answer is `place ` for a home that does not exist.
report_place() {
  case $1 in
    temporary) if find_temporary "$2"; then place=$dir; else place=${TMPDIR:-/tmp}; fi ;;
    state) place=$state ;;
    *) place=$2 ;;
  esac
  find_existing
  case $seen_places in *"/
$place
/"*) ;; *) report_volume ;; esac
  answer "place $place"
}

# find_existing: set $place to the deepest folder on its way that exists, without links.
find_existing() {
  case $place in
    /*) ;;
    *)
      place=
      return
      ;;
  esac
  while [ ! -d "$place" ]; do
    place=${place%/*}
    place=${place:-/}
  done
  physical=$(cd -P -- "$place" 2>/dev/null && echo "$PWD/") || return 0
  place=${physical%/}
  place=${place:-/}
}

report_volume() {
  seen_places="$seen_places/
$place
/"
  [ "$place" ] || return 0
  numbers=$(stat -f -c '%a %S %c %d' -- "$place" 2>/dev/null) || return 0
  answer "volume $numbers $(mount_options) $place"
}

# mount_options: print the options of the mount that holds $place. The last one of equal length is on top. In /proc/mounts,
# blanks and backslashes are octal numbers; see getmntent(3).
mount_options() {
  place=$place awk '{
    point = $2
    gsub(/\\040/, " ", point)
    gsub(/\\011/, "\t", point)
    gsub(/\\012/, "\n", point)
    gsub(/\\134/, "\\", point)
    place = ENVIRON["place"]
    inside = point == "/" || place == point || index(place, point "/") == 1
    if (inside && length(point) >= length(best)) { best = point; options = $4 }
  }
  END { print options }' /proc/mounts
}
