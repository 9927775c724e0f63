# Hold a session: only one controller at a time changes it.
#
# The hold belongs to the connection, so all scripts of a controller share it, and it ends with the connection,
# however that ends. A script that still works after that is waited for until it notices.
# The claim is the file $state/.held.PID.BIRTH of the connection. Its first line is the controller, the others are its
# scripts, each as PID.BIRTH, and `held` once it has the session. A controller that finds no claim beside its own has
# the session. If two find each other, the younger one gives up and the older one waits. So on all hosts the same
# controller wins ("wait-die"; Rosenkrantz, Stearns, Lewis 1978). Two groups of connections of one process wait for
# each other: the other one may just have been closed.
. ./state_dir.sh

# script_at_work FILE: print one script of that claim that still runs.
script_at_work() {
  sed 1d "$1" 2>/dev/null | while read -r one; do
    ! is_same_process "$one" || echo "$one"
  done | head -n 1
}

# find_holder: look at the claims of other connections. Sets $holder to PID.BIRTH and $by to the controller of one of
# them. Sets $born to its start time if it is not younger than ours. Removes claims that have ended.
find_holder() {
  holder=
  for other in "$state"/.held.*; do
    whose=${other##*/.held.}
    [ "$whose" != "$claim" ] || continue
    is_lost=
    is_same_process "$whose" || {
      is_lost=yes
      whose=$(script_at_work "$other")
    }
    if [ -z "$whose" ]; then
      rm -f "$other"
      continue
    fi
    { read -r born group words <"$other"; } 2>/dev/null || continue
    holder=$whose by=$words
    [ -z "$is_lost" ] || continue # it ends as soon as it notices
    [ "$born" -ge "$controller_born" ] && [ "$born.$group" != "$controller_born.$own_group" ] || return 0
  done
  born=
}

# lock_session: create the state directory and hold the session, or fail.
lock_session() {
  make_state_dir
  [ "$connection_birth" ] || return 0 # nobody could see when the connection ends
  claim=$connection.$connection_birth
  read_stat "$$"
  script=$$.$stat_birth
  if grep -qxs held "$state/.held.$claim"; then
    echo "$script" >>"$state/.held.$claim"
    return
  fi
  # On a full disk nobody can claim anything.
  { printf '%s\n' "$controller_born $own_group $controller" "$script" >"$state/.held.$claim"; } 2>/dev/null || return 0
  tries=0
  while find_holder && [ "$holder" ]; do
    ! is_orphaned || exit
    tries=$((tries + 1))
    if [ "$born" ] || [ $tries -gt 300 ]; then
      unlock_session
      fail "$by has locked session \"$session\"; wait until that ends (process ${holder%.*} on the host)"
    fi
    sleep 0.2
  done
  ! is_orphaned || exit # before the first change
  echo held >>"$state/.held.$claim"
}

# unlock_session: let other controllers change the session.
unlock_session() { rm -f "$state/.held.$claim"; }
