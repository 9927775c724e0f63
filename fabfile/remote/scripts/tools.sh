# Packages that scripts need, and whether screen works. `fab doctor` reports the same, in the same words; see
# fabfile/diagnosis/packages.py.
. ./prologue.sh

always_needed='coreutils findutils grep sed gawk'
of_coreutils='cat chmod cp cut date dd head id mkdir mktemp mv readlink realpath rm rmdir sha1sum sleep sort stat tail tee
  timeout tr wc' # what scripts use of it

# need PACKAGE...: fail unless these packages and $always_needed are installed. On a usual host this starts no program.
# shellcheck disable=SC2120 # some scripts need no others
need() {
  missing='' not_gnu='' test_package=is_there
  ! may_be_busybox || test_package=is_usable
  for package in "$@" $always_needed; do
    "$test_package" "$package" </dev/null >/dev/null 2>&1 || case $package in
      tar | coreutils | findutils | grep) not_gnu="$not_gnu $package" ;;
      *) missing="$missing $package" ;;
    esac
  done
  [ "$missing$not_gnu" ] || return 0
  # shellcheck disable=SC2086 # one word for each package
  fail "$(problem_with 'not installed' $missing)$(problem_with 'not installed, or not the GNU version' $not_gnu)$(
    install_command $missing $not_gnu
  )"
}

# may_be_busybox: whether tools of several packages are the same file, as in BusyBox. This starts no program.
# shellcheck disable=SC3013 # dash, bash and BusyBox have -ef
may_be_busybox() {
  [ -z "${BB_ASH_VERSION-}" ] || return 0
  set --
  for tool in sh sed awk busybox stat find grep tar; do
    find_tool "$tool" || continue
    case $tool in stat | find | grep | tar)
      for other; do [ ! "$found" -ef "$other" ] || return 0; done
      ;;
    esac
    set -- "$@" "$found"
  done
  return 1
}

# find_tool NAME: set $found to the program in PATH.
find_tool() {
  rest=$PATH:
  while [ "$rest" ]; do
    found=${rest%%:*}/$1 rest=${rest#*:}
    if [ -f "$found" ] && [ -x "$found" ]; then return; fi
  done
  return 1
}

# is_there PACKAGE: whether its programs are installed. is_usable PACKAGE: whether they can do what scripts want of them.
# BusyBox has programs of the same names that cannot do all of it.
# shellcheck disable=SC2086 # one word for each program
is_there() {
  case $1 in
    coreutils) are_there $of_coreutils ;;
    findutils) are_there find xargs ;;
    gawk) command -v awk ;; # any awk
    *) command -v "$1" ;;
  esac
}

# are_there PROGRAM...: whether all of them are installed. This starts no program.
are_there() {
  for tool; do command -v "$tool" || return; done
}

is_usable() {
  case $1 in
    tar) can_untar ;;
    coreutils) is_there coreutils && can_stat_and_copy ;;
    findutils) can_find ;;
    grep) can_grep ;;
    *) is_there "$1" ;;
  esac
}

can_untar() { head -c 10240 /dev/zero | tar -xPpmof -; }
can_stat_and_copy() { stat -L --printf '' / && dd iflag=fullblock,count_bytes count=0 status=none; }
can_find() { find / -maxdepth 0 -printf '' && xargs -0 -r true; }
can_grep() { echo | grep -qz --line-buffered ''; }

# problem_with WORDS PACKAGE...: print `PACKAGE, PACKAGE: WORDS; `, or nothing without a package.
problem_with() {
  words=$1
  [ $# -gt 1 ] || return 0
  shift
  listed=$(printf '%s, ' "$@")
  printf '%s: %s; ' "${listed%, }" "$words"
}

# install_command PACKAGE...: print how to install these packages.
install_command() {
  it=it
  [ $# -eq 1 ] || it=them
  line=$(package_manager) || {
    echo "install $it on the host"
    return
  }
  line="$line $*"
  if [ "$(id -u)" = 0 ]; then :; elif command -v sudo >/dev/null; then line="sudo $line"; else line="$line, as root"; fi
  echo "install $it with: $line"
}

# package_manager: print the install command of the host's package manager. The subshell keeps IFS from the script.
package_manager() (
  IFS=,
  for line in $package_managers; do
    command -v "${line%% *}" >/dev/null 2>&1 || continue
    echo "$line"
    exit
  done
  exit 1
)

# find_screen_problem OUTPUT-OF-SCREEN-LS: set $problem to why screen starts no session, or to nothing. screen says no
# word if it cannot write the folder of its sockets, or cannot execute the login shell.
find_screen_problem() {
  problem=
  sockets=${1##* in }
  sockets=${sockets%.*} # it goes on with a carriage return
  case $1 in
    *Socket*) ;;
    *)
      problem=$(printf '%s\n' "$1" | tr -d '\r' | head -n 1)
      problem="cannot list its sessions: $problem"
      return
      ;;
  esac
  if [ -d "$sockets" ] && [ ! -w "$sockets" ]; then
    problem="cannot write the folder of its sockets, $sockets"
    return
  fi
  case ${SHELL-} in /*) [ -x "$SHELL" ] || problem="cannot execute the login shell, $SHELL" ;; esac
}
