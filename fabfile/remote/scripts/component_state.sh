# Components that have been started: whether they run, and in which window. The current folder is $state.
. ./proc_stat.sh

# is_running FOLDER: whether the program of a component runs; sets $pid. Its process is known by id and birth. As long
# as the command line is that of the launcher, which a shell runs, the program has not been executed yet.
is_running() {
  [ ! -s "$1/status" ] && { read -r pid <"$1/pid" && read -r birth <"$1/born"; } 2>/dev/null || return
  is_same_process "$pid.$birth" || return
  case $stat_line in "$pid ("*"sh) "*) ! grep -qzxsF "$state/$1/launcher" "/proc/$pid/cmdline" ;; esac
}

# launcher_runs FOLDER: whether the launcher of a component runs; sets $pid. This starts no program, so it can be asked
# often. `read` joins the NUL-separated words of the command line and fails, because no newline ends it. Another process
# that got the id has another command line.
launcher_runs() {
  { read -r pid <"$1/launcher.pid" && { read -r line || :; } <"/proc/$pid/cmdline"; } 2>/dev/null || return
  case $line in *"$state/$1/launcher"*) ;; *) return 1 ;; esac
}

# read_note FOLDER FILE: set $note to what the launcher or another script wrote to a file; to nothing if it is missing.
read_note() {
  note=
  { read -r note <"$1/$2"; } 2>/dev/null || :
}

# tags_of FOLDERS: print the tags of components; see launcher.sh. One that an earlier version has started has none.
tags_of() {
  for folder in $1; do
    read_note "$folder" tag
    [ -z "$note" ] || echo "$note"
  done
}

# find_loss FOLDER: set $loss to the reason why a component is lost: `reboot`, `session` (its screen session has ended),
# `window` (its window was closed, or something killed the launcher, too), `gone` (its daemon has ended), or `none` (no
# daemon was found). If it ended by itself, set it to nothing.
find_loss() {
  loss=
  read_note "$1" status
  case $note in
    '' | 129 | 143) ;; # HUP or TERM may come from a closed window or a shutdown
    gone | none) loss=$note ;;
    *) return 0 ;;
  esac
  [ -z "$loss" ] || return 0
  if [ "$note" ]; then is_shut_down "$1" || is_closed "$1" || return 0; fi
  loss=window
  read_note "$1" session
  is_screen "${note%%.*}" || loss=session
  ! is_of_earlier_boot "$1" || loss=reboot
}

is_closed() { [ -e "$1/closed" ]; }

# is_of_earlier_boot FOLDER: whether the machine has been restarted since the component was started.
is_of_earlier_boot() {
  read_note "$1" boot
  [ "$note" ] && ! grep -qsxF "$note" /proc/sys/kernel/random/boot_id
}

# is_shut_down FOLDER: whether the component ended in the last minutes before the machine was restarted.
is_shut_down() {
  is_of_earlier_boot "$1" || return
  read_note "$1" ended
  boot_time=$(sed -n 's/^btime //p' /proc/stat)
  [ "$note" ] && [ "$note" -gt $((boot_time - 600)) ]
}

# mark_stopped FOLDER: note that this tool ends the component on purpose. On a full disk this fails, and it ends all the
# same.
mark_stopped() { true >"$1/stopped"; } 2>/dev/null
