# Windows of components in the session $id. The current folder is $state.
. ./component_state.sh

# find_window FOLDER TITLE: set $window to the window of a component, if it is still open. After the program has ended,
# its window may have been closed and the number given to another one: then the title decides.
find_window() {
  { read -r window <"$1/window" && read -r window_session <"$1/session"; } 2>/dev/null || return
  [ "$window_session" = "$id" ] && [ "$window" ] || return
  is_running "$1" || [ "$(timeout 5 screen -S "$id" -p "$window" -Q title 2>/dev/null)" = "$2" ]
}
