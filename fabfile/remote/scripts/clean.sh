# fab clean: list or remove what runs have left here.
# Needs from the header: session, owner, owner_text, replace, and
#   sessions         the sessions to clean; empty: $session, or all of this user on this machine with $every
#   folders          the components to clean; empty: all of a session
#   every, remove    whether to look at all sessions, and whether to remove
#   staging_filter   see staging.sh
#   remove_folders   that script
# Its arguments are `path PATH` for each root of sent files.
# Answers: for each session, either
#   session NAME COMPONENTS BYTES open|ended, and temporary BYTES PATH for each temporary folder
#   running NAME FOLDER..., or surviving NAME PID... for processes of components that have ended
# and foreign COUNT SINCE TEXT in front of it if it belongs to another owner and runs; problem TEXT; then `looked`.
# Then it obeys commands; see obey.
. ./tools.sh
. ./session_lock.sh
. ./screen.sh
. ./ownership.sh
. ./temporary.sh
. ./cgroup.sh
. ./members.sh
. ./lists.sh
. ./staging.sh

main() {
  need screen
  find_state_dir
  servers='' roots='' whole_session='' # see members.sh
  [ "$sessions$remove" ] || list_session_folders
  for session in $sessions; do clean_session; done
  answer looked
  open_list
  obey "$@"
}

# list_session_folders: set $sessions.
list_session_folders() {
  sessions=$session
  [ "$every" ] || return 0
  sessions=
  for path in "${state%/*}"/*/; do
    path=${path%/}
    case ${path##*/} in *[!A-Za-z0-9_.-]*) ;; *) sessions="$sessions ${path##*/}" ;; esac
  done
}

clean_session() {
  find_state_dir
  [ -d "$state" ] || return 0
  [ -z "$remove" ] || lock_session
  cd "$state" || fail "cannot enter $state; check its permissions"
  list_sessions
  check_listing
  choose_components
  find_running
  if [ "$running$survivors" ]; then
    [ -z "$remove" ] || fail "components of session \"$session\" run since the first look"
    report_foreign
    if [ "$running" ]; then answer "running $session$running"; else answer "surviving $session$survivors"; fi
  elif [ "$remove" ]; then
    remove_session
  else
    report_session
  fi
}

# choose_components: set $chosen to the component folders to clean.
choose_components() {
  chosen=
  for path in */; do
    path=${path%/}
    case " ${folders:-$path} " in *" $path "*) ;; *) continue ;; esac
    if [ -d "$path" ] && [ ! -h "$path" ]; then chosen="$chosen $path"; fi
  done
}

# find_running: set $running to those of $chosen that run. If none does, set $survivors to the processes that they have
# left behind.
find_running() {
  running='' survivors='' marks=''
  for folder in $chosen; do
    marks="$marks
REMOTE_RUNNER_COMPONENT=$state/$folder"
    if is_running "$folder" || { [ ! -s "$folder/status" ] && launcher_runs "$folder"; }; then
      running="$running $folder"
    fi
  done
  marks=${marks#?} # without the first newline: an empty pattern would match everything
  [ -z "$running" ] && [ "$marks" ] || return 0
  tags=$(tags_of "$chosen")
  survivors=$(members | tr '\n' ' ')
  survivors=${survivors:+" ${survivors% }"}
}

# report_session: answer with the size of what remove_session would remove.
report_session() {
  # shellcheck disable=SC2086 # one word for each folder
  set -- $chosen
  count=$#
  if [ "$own_sessions" ]; then is_open=open; else is_open=ended; fi
  [ $# -gt 0 ] || { [ "$is_open" = ended ] && [ -z "$folders" ]; } || return 0
  for folder; do
    ! find_own_temporary "$folder" || answer "temporary $(size_of "$dir") $dir"
  done
  [ "$is_open" = ended ] && [ -z "$folders" ] && set -- "$state" "$@"
  answer "session $session $count $(size_of "$@") $is_open"
}

# size_of PATH...: print the bytes in these files and folders, each counted once.
size_of() { du -sbcx -- "$@" 2>/dev/null | sed -n '$s/[^0-9].*//p'; }

# find_own_temporary FOLDER: set $dir to the temporary folder of a component. Fail if it has none, or if the note about it
# names another folder.
find_own_temporary() {
  find_temporary "$1" || return
  case $dir in /*/remote-runner.??????????) ;; *) return 1 ;; esac
}

# remove_session: remove temporary folders and the folders of components. If the session has ended, remove all of its
# state: files of an open session say where its windows are.
remove_session() {
  for folder in $chosen; do
    ! is_orphaned || exit
    ! find_own_temporary "$folder" || remove_tree "$dir"
    remove_tree "$state/$folder"
  done
  [ -z "$folders$own_sessions" ] || return 0
  ! is_orphaned || exit
  name_staging
  unstage
  while IFS= read -r id; do screen -wipe "$id"; done >/dev/null 2>&1 <"$state/.sessions"
  remove_cgroups
  cd /
  remove_tree "$state"
  rmdir -- "${state%/*}" "${state%/*/*}" 2>/dev/null || :
}

# remove_tree PATH: remove an absolute path, without following links, and nothing on other file systems.
remove_tree() {
  case $1 in /?*) ;; *) return 1 ;; esac
  errors=$(rm -rf --one-file-system -- "$1" 2>&1) || answer "problem $(echo "$errors" | head -n 1)"
}

# open_list: make $list a file without a name for lists of paths.
open_list() {
  list=$(mktemp "${TMPDIR:-/tmp}/remote-runner.XXXXXXXXXX") || fail "cannot create a temporary file; is /tmp full?"
  exec 9<>"$list"
  rm -f "$list"
  list=/proc/$$/fd/9
}

# obey [path PATH]...: carry out commands until `end`. Each answer ends with an empty record.
#   stat N SIZE            print mode, size and name of the paths below the Nth root; links are not followed
#   remove N SIZE LENGTH   remove files of these names in a folder, whose path below the root has LENGTH bytes
#   rmdir N SIZE           remove those of these folders below the root that are empty, and print how many
obey() {
  while read -r command number size length && [ "$command" != end ]; do
    [ "$command" != remove ] || read_target "$length"
    read_list
    ! is_orphaned || exit
    enter_root_of "$number" "$@" || size=0
    case $command in
      stat) each stat --printf '%f %s %n\0' -- 2>/dev/null ;;
      remove) remove_files ;;
      rmdir) [ "$size" -eq 0 ] || each sh -c "$remove_folders" sh "$base" 2>/dev/null | tr '\n' '\0' ;;
    esac
    answer ''
  done
}

# enter_root_of N [path PATH]...: enter the Nth root, and set $base to its path without links and without a slash at its end.
enter_root_of() {
  shift $((2 * $1))
  base=
  cd -P -- "$1" 2>/dev/null || return
  base=${PWD%/}
}

# remove_files: remove the files of $list in $base/$target, unless a link leads there.
remove_files() {
  [ "$size" -gt 0 ] || return 0
  folder=$base${target:+/$target}
  { cd -P -- "${folder:-/}" && [ "$PWD" = "${folder:-/}" ]; } 2>/dev/null || {
    answer "$folder: is a symbolic link, or behind one"
    return
  }
  errors=$(each rm -f -- 2>&1) || answer "$folder: $(echo "$errors" | head -n 1)"
}
