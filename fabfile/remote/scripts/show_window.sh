# fab attach, in the user's terminal: show a window until it is detached. As a UTF-8 terminal (-U), beside others that
# may show the session (-x). A terminal type that the host does not know is treated as an xterm.
# Needs from the header: id (PID.NAME of the session), window (its number).
main() {
  tput longname >/dev/null 2>&1 || ! command -v tput >/dev/null || TERM=xterm
  export TERM
  exec screen -U -x "$id" -p "$window"
}
