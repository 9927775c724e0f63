# Find programs whose records are lost, for example because the state directory was removed. They are known by the mark
# in their environment. With new records they count as running, and are not started twice.
. ./component_state.sh

# adopt_programs [FOLDER _ _ _ _ _ _ _]...: write new records for marked programs of components without any.
adopt_programs() {
  unknown='' marks=''
  while [ $# -gt 0 ]; do
    [ -e "$1/launcher" ] || {
      unknown="$unknown $1"
      marks="$marks
REMOTE_RUNNER_COMPONENT=$state/$1"
    }
    shift 8
  done
  marks=${marks#?}
  [ -n "$marks" ] && grep -qzxsF "$marks" /proc/[0-9]*/environ || return 0
  for folder in $unknown; do adopt_program; done
}

# adopt_program: find the program of $folder. It is the oldest marked process; its parent is the launcher.
adopt_program() {
  oldest=
  while IFS=/ read -r _ _ candidate _; do
    { is_alive "$candidate" && [ -O "/proc/$candidate" ]; } || continue
    if [ -z "$oldest" ] || [ "$stat_birth" -lt "$oldest_birth" ]; then
      oldest=$candidate oldest_birth=$stat_birth launcher_pid=$stat_parent
    fi
  done <<END
$(grep -lzxsF "REMOTE_RUNNER_COMPONENT=$state/$folder" /proc/[0-9]*/environ)
END
  [ "$oldest" ] || return 0
  mkdir -p "$folder" || fail "cannot create $state/$folder; is the disk full?"
  echo "$oldest" >"$folder/pid"
  echo "$oldest_birth" >"$folder/born"
  echo "$launcher_pid" >"$folder/launcher.pid"
  echo "$id" >"$folder/session"
  cat /proc/sys/kernel/random/boot_id >"$folder/boot" 2>/dev/null
  stat -c %Y "/proc/$oldest" >"$folder/started"
  : >>"$folder/output"
}
