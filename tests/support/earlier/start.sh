controller='' controller_born=0 own_group=0
answer() { printf '%s\0' "$1"; }
fail() { answer "fail $1"; exit 1; }
look_at() {  # PID: sets $its_parent, $its_session and $its_birth, which is empty if it has ended (or is a zombie)
  its_parent= its_session= its_birth=
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null && set -- ${stat##*) } || return
  its_parent=$2 its_session=$4
  case $1 in Z | X) ;; *) its_birth=${20} ;; esac
}
# Who runs the script: sshd for our side of the connection, which begins a session of the kernel for each script, or the
# program here, which does too; a ForceCommand may be in between. Or the leader of that session, where an SSH server
# begins one for each connection, as Dropbear does: it has not got the environment of what it serves. Nobody where
# processes are hidden (hidepid).
look_at $$
leader=${its_session:-none}
look_at "$leader"
owner=${its_parent:-none}
[ "$leader" = $$ ] || [ -z "${SSH_CONNECTION-}" ] ||
  grep -qzxsF "SSH_CONNECTION=$SSH_CONNECTION" "/proc/$leader/environ" || owner=$leader
look_at "$owner"
owner_born=$its_birth
orphaned() { look_at "$owner"; [ "$its_birth" != "$owner_born" ]; }  # whether it is gone
need() {
  missing=
  for program in "$@"; do command -v "$program" >/dev/null 2>&1 || missing="$missing $program"; done
  [ -z "$missing" ] || fail "not installed:$missing; $(install_command $missing)"
}
package_manager() {  # with its word for installing
  for line in 'apt-get install' 'dnf install' 'yum install' 'zypper install' 'pacman -S' 'apk add'; do
    command -v "${line%% *}" >/dev/null 2>&1 && { echo "$line"; return; }
  done
  return 1
}
install_command() {
  by=
  [ "$(id -u)" = 0 ] || by='sudo '
  if line=$(package_manager); then echo "install there with: $by$line $*"
  else echo "install there what is missing"; fi
}
{ read -r boot </proc/sys/kernel/random/boot_id; read -r machine </proc/sys/kernel/hostname; } 2>/dev/null
case $machine in '' | .* | *[!A-Za-z0-9_.-]*) machine=unnamed ;; esac
answer; answer "remote-runner $boot $machine $HOME"
main() {
need screen
session=runner
state=${XDG_STATE_HOME:-$HOME/.local/state}/remote-runner/$machine/$session
for folder in "${state%/*/*}" "${state%/*}" "$state"; do
  if [ -h "$folder" ] || { [ -e "$folder" ] && [ ! -O "$folder" ]; }; then
    fail "$folder belongs to another user, or is a link; take it away"
  fi
done
own_umask=$(umask)
umask 077
[ -d "$state" ] || mkdir -p "$state" || fail "$state cannot be made; is there room, may you write there?"
chmod go= "${state%/*/*}" "${state%/*}" "$state" 2>/dev/null  # of another version, perhaps; or on a read-only disk
lives() { look_at "${1%.*}"; [ "$its_birth" = "${1#*.}" ]; }  # PID.BORN
# at_work FILE: prints a script of that claim that lives.
at_work() {
  sed 1d "$1" 2>/dev/null | while read -r one; do ! lives "$one" || echo "$one"; done | head -n 1
}
# others: sets $holder and $by to another claim whose process lives, and $born to its age if it is not younger.
others() {
  holder=
  for other in "$state"/.held.*; do
    whose=${other##*/.held.}
    [ "$whose" != "$claim" ] || continue
    is_lost=
    lives "$whose" || { is_lost=1 whose=$(at_work "$other"); }
    if [ -z "$whose" ]; then rm -f "$other"; continue; fi
    { read -r born group words <"$other"; } 2>/dev/null || continue
    holder=$whose by=$words
    [ -z "$is_lost" ] || continue  # it ends as soon as it notices
    [ "$born" -ge "$controller_born" ] && [ "$born.$group" != "$controller_born.$own_group" ] || return
  done
  born=
}
hold() {
  [ "$owner_born" ] || return 0  # nobody could see when it ends
  claim=$owner.$owner_born
  look_at $$
  script=$$.$its_birth
  if grep -qxs held "$state/.held.$claim"; then echo "$script" >>"$state/.held.$claim"; return; fi
  { printf '%s
' "$controller_born $own_group $controller" "$script" >"$state/.held.$claim"; } 2>/dev/null ||
    return 0  # nobody can
  tries=0
  while others; [ "$holder" ]; do
    tries=$((tries + 1))
    if [ "$born" ] || [ $tries -gt 300 ]; then
      release
      fail "$by works on the session $session, over process ${holder%.*} of this host; let that end, or end it"
    fi
    sleep 0.2
  done
  echo held >>"$state/.held.$claim"
}
release() { rm -f "$state/.held.$claim"; }
hold
is_screen() {  # a zombie is none
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return
  case $stat in "$1 (screen) "[!ZX]*) [ -O "/proc/$1" ] ;; *) return 1 ;; esac
}
listed() {
  tab=$(printf '\t')
  screen -ls 2>/dev/null | while IFS= read -r line; do
    case $line in "$tab"[0-9]*) ;; *) continue ;; esac
    id=${line#"$tab"}
    printf '%s\n' "${id%%"$tab"*}"
  done
}
named() { while IFS= read -r id; do [ "${id#*.}" = "$session" ] && printf '%s\n' "$id"; done; }
living() { while IFS= read -r id; do is_screen "${id%%.*}" && printf '%s\n' "$id"; done; }
sessions() { listed | named | living; }
find_session() {  # sets id, to nothing where there is none
  set -- $(sessions)
  [ $# -lt 2 ] || fail "there are $# screen sessions named $session; end all of them with: fab kill"
  id=${1-}
}
clock() { read -r clock _ </proc/uptime; clock=${clock%.*}${clock#*.}; }  # in 1/100 s
running() {
  [ ! -s "$1/status" ] && { read -r pid <"$1/pid" && read -r born <"$1/born"; } 2>/dev/null || return
  { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return
  folder_of_running=$1
  set -- ${stat##*) }  # behind the name, which may hold spaces: state, ..., and when it began
  case $1 in Z | X) return 1 ;; esac
  [ "${20}" = "$born" ] && ! grep -qzxsF "$state/$folder_of_running/launcher" "/proc/$pid/cmdline"
}
launcher_lives() {
  { read -r pid <"$1/launcher.pid" && { read -r line || :; } <"/proc/$pid/cmdline"; } 2>/dev/null || return
  case $line in *"$state/$1/launcher"*) ;; *) return 1 ;; esac
}
own_window() {
  { read -r window <"$1/window" && read -r session_of_window <"$1/session"; } 2>/dev/null || return
  [ "$session_of_window" = "$id" ] && [ "$window" ] || return
  running "$1" || [ "$(timeout 5 screen -S "$id" -p "$window" -Q title 2>/dev/null)" = "$2" ]
}
port() { grep -qsE "^ *[0-9]+: [0-9A-F]+:$1 [0-9A-F]+:0000 0A " /proc/net/tcp /proc/net/tcp6; }
own_temporary() {
  { read -r dir <"$state/$1/base_dir" && [ -d "$dir" ] && [ -O "$dir" ] && [ ! -h "$dir" ]; } 2>/dev/null
}
temporary() {
  if ! own_temporary "$1"; then
    dir=$(mktemp -d "${TMPDIR:-/tmp}/remote-runner.XXXXXXXXXX") || return
    (umask 077; mkdir -p "$state/$1" && printf '%s\n' "$dir" >"$state/$1/base_dir") || return
  fi
  printf '%s' "$dir"
}
take_notes() {
  line=
  { read -r noter of <.noting && [ "$of" = "$id" ] && read -r line <"/proc/$noter/cmdline"; } 2>/dev/null
  case $line in *"$state/.note-times"*) return ;; esac
  printf '%s' 'is_screen() {  # a zombie is none
  { read -r stat <"/proc/$1/stat"; } 2>/dev/null || return
  case $stat in "$1 (screen) "[!ZX]*) [ -O "/proc/$1" ] ;; *) return 1 ;; esac
}
launcher_lives() {
  { read -r pid <"$1/launcher.pid" && { read -r line || :; } <"/proc/$pid/cmdline"; } 2>/dev/null || return
  case $line in *"$state/$1/launcher"*) ;; *) return 1 ;; esac
}
is_needed() {  # whether a launcher lives
  for folder in */; do
    folder=${folder%/}
    if [ ! -s "$folder/status" ] && launcher_lives "$folder"; then return; fi
  done
  return 1
}
note() {
  now=$(stat -c '"'"'%n/%.9Y/%s'"'"' -- */launcher */output)
  [ "$now" != "$before" ] || return
  for file in $(grep -vxFf /dev/fd/3 3<<BEFORE <<NOW
$before
BEFORE
$now
NOW
  ); do
    folder=${file%%/*} time=${file#*/*/}
    case $file in
      */launcher/*) [ -z "$before" ] || [ ! -s "$folder/times" ] || true >"$folder/times" ;;
      */output/*/0) ;;
      */output/*) echo "${time%%.*} ${file##*/}" >>"$folder/times" ;;
    esac
  done
  before=$now
}
claim() { echo "$$ $id" >.noting; }
main() {
  id=$1 state=${0%/*} before= sleeper=
  cd "$state" || exit
  export LC_ALL=C
  unset STY
  trap '"'"'kill $sleeper; exit'"'"' TERM
  claim
  while is_screen "${id%%.*}" && read -r pid _ <.noting && [ "$pid" = $$ ]; do
    note
    if ! is_needed; then
      rm -f .noting
      is_needed || exit
      claim
    fi
    sleep 1 &
    sleeper=$!
    wait "$sleeper"
    sleeper=
  done
}
main "$@"; exit
' >.note-times || return 0  # on a full disk; then no times are known
  (
    unset REMOTE_RUNNER_COMPONENT
    export STY="$id"
    exec $(command -v setsid) sh "$state/.note-times" "$id"
  ) </dev/null >/dev/null 2>&1 &
}
find_session
[ "$id" ] || fail "there is no screen session named $session; start one with: fab screen"
cd "$state" || fail "$state cannot be entered"
windows=.windows.$$  # screen reads it when it likes
path=$(printf '%s' "$state" | sed "s/'/'\"'\"'/g")
if [ "$(cat .logging 2>/dev/null)" = "$id" ]; then : >"$windows"
else printf "logfile flush 0\nlogfile '%s/%%t/output'\n" "$(printf '%s' "$path" | sed 's/[%^]/&&/g')" >"$windows"; fi
# revoke FOLDER: no window that has been opened for it starts it any more; where one is about to, waits for that. Of
# this script and the window, one makes the file that says that it has begun (noclobber: O_EXCL of open(2)).
revoke() {
  token=
  { read -r token <"$1/ticket"; } 2>/dev/null
  [ "$token" ] || return 0
  echo revoked >"$1/ticket"
  set -C
  { true >"$1/begun.$token"; } 2>/dev/null && token=
  set +C
  [ "$token" ] && { read -r begun <"$1/begun.$token"; } 2>/dev/null && [ "$begun" = "$id" ] || return 0
  tries=0
  while [ ! -s "$1/status" ] && ! running "$1" && echo "$state/$1/launcher" | grep -qzxsF -f - /proc/[0-9]*/cmdline; do
    tries=$((tries + 1))
    [ $tries -lt 100 ] || fail "$state/$1/launcher starts nothing, and does not end; end it with: fab kill"
    sleep 0.1
  done
}
taken() { ! running "$1" && port "$2" && answer "unready $1 taken "; }
component() {
  ! orphaned || exit
  revoke "$1"
  if running "$1"; then answer "running $1 $pid"; awaited="$awaited$1 "; take_notes; return; fi
  mkdir -p "$1" || fail "$state/$1 cannot be made"
  { [ -O "$1" ] && [ ! -h "$1" ]; } || fail "$state/$1 belongs to another user, or is a link; take it away"
  ! own_window "$1" "$2" || old_windows="$old_windows $window"
  rm -f "$1/pid" "$1/born" "$1/status" "$1/started" "$1/ended" "$1/launcher.pid" "$1/session" "$1/window" "$1/output"     "$1/ready" "$1/times" "$1/status.room" "$1/ended.room"     "$1"/begun.*
  printf '%s' "$origin" >"$1/origin" && printf '%s' "$4" >"$1/launcher" ||
    fail "$state/$1 cannot be written to; is the disk full?"
  : >"$1/output"
  [ -z "$5" ] || temporary "$1" >/dev/null || fail "no temporary folder can be made"
  echo "$$" >"$1/ticket"
  printf "screen -L -t %s sh '%s/%s/launcher' %s\ntitle %s\n" "$1" "$path" "$1" "$$" "$3" >>"$windows"
  pending="$pending $1"
}
# beginning: whether one of $started has hardly run yet, though it wants to, or has ended this moment. It may end
# with 126 or 127, since it lacks something, as `#!/usr/bin/env PROGRAM` does without the program.
beginning() {
  for folder in $started; do
    [ ! -s "$folder/status" ] || continue
    read -r pid <"$folder/pid"
    { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return 0
    set -- ${stat##*) }
    case $1 in
      Z | X) return 0 ;;
      R | D) [ $((${12} + ${13})) -ge 10 ] || return 0 ;;  # ticks of 1/100 s, in user and system mode
    esac
  done
  return 1
}
pending= started= ended= failed= old_windows=
awaited=' '
origin='{"format": 2, "config": {"path": "/somewhere/cfg.py", "text": "for name, text, more in (\n    (\"server\", \"echo listening; exec sleep 1000\", {}),\n    (\"client\", \"echo asked > answer.txt; echo done; exit 3\", {\"results\": [\"*.txt\"]}),\n):\n    config.add_component(\n        Component(name=name, executable=\"/bin/sh\", args=[\"-c\", text], host=\"node1\", start_index=1, **more)\n    )\n"}, "muddlers": [], "arg_parser": null, "options": {"config_file": "/somewhere/cfg.py", "ssh_user": null, "screen": "runner", "kill_first": true, "always_copy": false, "no_zombie": false, "terminate": false, "on_exit": null, "muddler": [], "extra_args": null, "arg_parser": null, "log_level": "INFO", "limit": null, "parallel": 64, "host_keys": null, "max_failures": 0, "keep_going": false, "retries": 0, "io_timeout": 600}, "versions": {"python": "3.11.7", "remote-runner": "0.1.0", "fabric": "3.2.3", "invoke": "2.2.1", "paramiko": "5.1.0"}, "stages": []}'
component server server ''"'"'server'"'"'' '_rr_own_folder=${0%/*}
read_environment() {
  :
}
change_environment() {
  REMOTE_RUNNER_COMPONENT=$_rr_own_folder
  export REMOTE_RUNNER_COMPONENT
}
case ${1-} in
  exec)
    _rr_own_umask=$(umask)
    umask 077
    read -r _rr_own_stat <"/proc/$$/stat"
    set -- ${_rr_own_stat##*) }
    echo "${20}" >"$_rr_own_folder/born"
    echo "$$" >"$_rr_own_folder/pid"
    echo "${STY-}" >"$_rr_own_folder/session"
    echo "${WINDOW-}" >"$_rr_own_folder/window"
    date +%s >"$_rr_own_folder/started"
    umask "$_rr_own_umask"
    set --
    cd "$(cat "$_rr_own_folder/base_dir")" || exit 126
    read_environment
    set -- /bin/sh -c '"'"'echo listening; exec sleep 1000'"'"'
    [ ! -d "$1" ] || { echo "$1: is a directory" >&2; exit 126; }
    [ -z "${BASH_VERSION-}" ] || [ ! -f "$1" ] || [ ! -x "$1" ] || case $(head -c 80 -- "$1" | tr '"'"'\000'"'"' '"'"'\007'"'"') in
      '"'"'#!'"'"'* | *"$(printf '"'"'\007'"'"')"*) ;;
      *) set -- "$(command -v sh)" "$@" ;;
    esac
    change_environment
    exec "$@"
    ;;
  check)
    cd "$(cat "$_rr_own_folder/base_dir")" || exit 126
    read_environment
    set -- "$(command -v sh)" -c :
    change_environment
    exec "$@"
    ;;
  record)
    trap : HUP INT QUIT TERM
    (
      umask 077
      echo "$$" >"$_rr_own_folder/launcher.pid"
      for _rr_own_file in ended status; do printf '"'"'%-12s
'"'"' '"'"''"'"' >"$_rr_own_folder/$_rr_own_file.room"; done
    )
    sh "$0" exec
    _rr_own_status=$?
    trap '"'"''"'"' HUP INT QUIT TERM  # for what is run here, too: the terminal may go now
    note() {
      printf '"'"'%-12s
'"'"' "$2" 1<>"$_rr_own_folder/$1.room" && mv "$_rr_own_folder/$1.room" "$_rr_own_folder/$1"
    }
    note ended "$(date +%s)"
    note status "$_rr_own_status"
    ;;
  *)
    trap : INT QUIT TERM
    is_wanted() { read -r _rr_own_ticket <"$_rr_own_folder/ticket" && [ "$_rr_own_ticket" = "$1" ]; }
    begins() { is_wanted "$1" && echo "${STY-}" >"$_rr_own_folder/begun.$1" && is_wanted "$1"; }
    (umask 077; set -C; begins "${1-}") 2>/dev/null ||
      { echo "another command has started it since"; exit 0; }
    sh "$0" record
    _rr_own_status=$?
    ;;
esac
exit "$_rr_own_status"
' temporary
component client client ''"'"'client'"'"'' '_rr_own_folder=${0%/*}
read_environment() {
  :
}
change_environment() {
  REMOTE_RUNNER_COMPONENT=$_rr_own_folder
  export REMOTE_RUNNER_COMPONENT
}
case ${1-} in
  exec)
    _rr_own_umask=$(umask)
    umask 077
    read -r _rr_own_stat <"/proc/$$/stat"
    set -- ${_rr_own_stat##*) }
    echo "${20}" >"$_rr_own_folder/born"
    echo "$$" >"$_rr_own_folder/pid"
    echo "${STY-}" >"$_rr_own_folder/session"
    echo "${WINDOW-}" >"$_rr_own_folder/window"
    date +%s >"$_rr_own_folder/started"
    umask "$_rr_own_umask"
    set --
    cd "$(cat "$_rr_own_folder/base_dir")" || exit 126
    read_environment
    set -- /bin/sh -c '"'"'echo asked > answer.txt; echo done; exit 3'"'"'
    [ ! -d "$1" ] || { echo "$1: is a directory" >&2; exit 126; }
    [ -z "${BASH_VERSION-}" ] || [ ! -f "$1" ] || [ ! -x "$1" ] || case $(head -c 80 -- "$1" | tr '"'"'\000'"'"' '"'"'\007'"'"') in
      '"'"'#!'"'"'* | *"$(printf '"'"'\007'"'"')"*) ;;
      *) set -- "$(command -v sh)" "$@" ;;
    esac
    change_environment
    exec "$@"
    ;;
  check)
    cd "$(cat "$_rr_own_folder/base_dir")" || exit 126
    read_environment
    set -- "$(command -v sh)" -c :
    change_environment
    exec "$@"
    ;;
  record)
    trap : HUP INT QUIT TERM
    (
      umask 077
      echo "$$" >"$_rr_own_folder/launcher.pid"
      for _rr_own_file in ended status; do printf '"'"'%-12s
'"'"' '"'"''"'"' >"$_rr_own_folder/$_rr_own_file.room"; done
    )
    sh "$0" exec
    _rr_own_status=$?
    trap '"'"''"'"' HUP INT QUIT TERM  # for what is run here, too: the terminal may go now
    note() {
      printf '"'"'%-12s
'"'"' "$2" 1<>"$_rr_own_folder/$1.room" && mv "$_rr_own_folder/$1.room" "$_rr_own_folder/$1"
    }
    note ended "$(date +%s)"
    note status "$_rr_own_status"
    ;;
  *)
    trap : INT QUIT TERM
    is_wanted() { read -r _rr_own_ticket <"$_rr_own_folder/ticket" && [ "$_rr_own_ticket" = "$1" ]; }
    begins() { is_wanted "$1" && echo "${STY-}" >"$_rr_own_folder/begun.$1" && is_wanted "$1"; }
    (umask 077; set -C; begins "${1-}") 2>/dev/null ||
      { echo "another command has started it since"; exit 0; }
    sh "$0" record
    _rr_own_status=$?
    ;;
esac
exit "$_rr_own_status"
' temporary

source=$(printf '%s' "$state/$windows" | sed "s/[\\\\\$^\"']/\\\\&/g")
[ -z "$pending" ] || { screen -S "$id" -X source "$source" >/dev/null 2>&1 && echo "$id" >.logging; }
for window in $old_windows; do screen -S "$id" -p "$window" -X kill; done  # a session ends with its last window
tries=0
while [ -n "$pending" ]; do
  ! orphaned || exit
  left=
  for folder in $pending; do
    if running "$folder"; then started="$started $folder"
    elif [ -s "$folder/status" ]; then ended="$ended $folder"
    else left="$left $folder"; fi
  done
  [ "$left" = "$pending" ] && tries=$((tries + 1)) || { tries=0; take_notes; }
  pending=$left
  if [ $tries -gt 300 ]; then break; fi
  [ -z "$pending" ] || sleep 0.05
done
for folder in $pending; do
  if [ -e "$folder/begun.$$" ]; then answer "failed $folder - begun"; else answer "failed $folder - "; fi
done
rm -f .windows.*  # also of a script that was cut off: screen reads them one after the other
tries=0
while [ "$started" ] && [ $tries -lt 30 ] && { [ $tries -eq 0 ] || beginning; }; do
  tries=$((tries + 1))
  sleep 0.1
done
for folder in $started $ended; do
  status=
  [ -s "$folder/status" ] && read -r status <"$folder/status"
  case $status in
    126 | 127) failed="$failed $folder" ;;
    *) read -r pid <"$folder/pid"; answer "started $folder $pid"; awaited="$awaited$folder " ;;
  esac
done
[ -z "$failed" ] || sleep 0.3  # by then, screen has written down what the windows showed
for folder in $failed; do
  read -r status <"$folder/status"
  answer "failed $folder $status $(tail -c 2000 "$folder/output" 2>/dev/null | tr -d '\000')"
done

release
}
main
answer done
