# fab doctor --install: install packages.
# Needs from the header: install (the command line of the package manager), and by_hand (what to tell a person if sudo
# wants a password; empty for root).
. ./prologue.sh

main() {
  [ -z "$by_hand" ] || sudo -n true </dev/null >/dev/null 2>&1 ||
    fail "sudo requires a password, or permission denied; allow NOPASSWD, or run on the host: $by_hand"
  output=$(eval "$install" 2>&1 </dev/null) ||
    fail "the package manager ended with exit status $?: $(printf %s "$output" | tail -n 1)"
}
