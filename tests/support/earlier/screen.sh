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
printf %s 'startup_message off
defutf8 on
maxwin 2000
defscrollback 10000
shelltitle shell
zombie q
' >"$state/.screenrc"
find_session
if [ "$id" ]; then answer "old $id"; return; fi
rm -f "$state/.logging" "$state"/.windows.*  # of a session of the same id, before a reboot
: >>"$state/.sessions"
umask "$own_umask"  # for what will run there
cd || cd /
if command -v python3 >/dev/null 2>&1; then
  python3 -c 'import os, sys
try:
    import ctypes
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
finally:
    os.setsid()
    os.execvp('"'"'screen'"'"', sys.argv[1:])
' screen -c "$state/.screenrc" -DmS "$session" </dev/null >/dev/null 2>&1 &
else
  screen -c "$state/.screenrc" -dmS "$session" >/dev/null 2>&1
fi
tries=0
while find_session; [ -z "$id" ]; do
  tries=$((tries + 1))
  [ $tries -gt 100 ] && fail "screen starts no session; try there: screen -dmS $session"
  sleep 0.1
done
printf '%s\n' "$id" >>"$state/.sessions"
answer "new $id"

}
main
answer done
