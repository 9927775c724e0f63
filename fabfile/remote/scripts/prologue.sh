# The beginning of every script that a controller sends: how it answers, and who runs it.
# Needs from the header: controller, controller_born, own_group, package_managers.
. ./proc_stat.sh

# answer TEXT: send a record to the controller.
answer() { printf '%s\0' "$1"; }

# fail TEXT: send the last record, an error, and end.
fail() {
  answer "fail $1"
  exit 1
}

# The connection is the process that runs this script: sshd's process for our side of the connection, or the
# controller itself on localhost. Each of them starts a kernel session for every script, so the connection is the
# parent of the session leader. There may be a ForceCommand in between.
# Dropbear starts one kernel session for each connection. There the leader itself is the connection: its environment
# lacks the SSH_CONNECTION of the script. If processes are hidden (hidepid), the connection stays unknown.
find_connection() {
  connection=none connection_birth='' leader=none
  ! read_stat "$$" || leader=$stat_session
  ! read_stat "$leader" || connection=$stat_parent
  [ "$leader" = "$$" ] || [ -z "${SSH_CONNECTION-}" ] ||
    grep -qzxsF "SSH_CONNECTION=$SSH_CONNECTION" "/proc/$leader/environ" || connection=$leader
  ! is_alive "$connection" || connection_birth=$stat_birth
}

# is_orphaned: whether the connection has ended. sshd does not end its scripts; they have to notice it themselves.
is_orphaned() { [ "$connection_birth" ] && ! is_same_process "$connection.$connection_birth"; }

# greet: send the first record. It follows an empty record, which ends any output of the login shell.
# It holds all that tells one home on one machine from another: boot id, machine name and home folder.
greet() {
  { read -r boot </proc/sys/kernel/random/boot_id; read -r machine </proc/sys/kernel/hostname; } 2>/dev/null
  case $machine in '' | .* | *[!A-Za-z0-9_.-]*) machine=unnamed ;; esac
  answer
  answer "remote-runner ${boot-} $machine $HOME"
}

# Another shell may read this script from its standard input: `exec zsh` in a start-up file replaces the command line
# that we sent. It would understand parts of the script differently. Only our command line sets $is_evaluated, and only
# the first line of the script sets $is_whole.
check_shell() {
  advice='limit that to interactive shells'
  [ "${is_evaluated-}" = yes ] || fail "another shell, $(shell_name), ran this script; a start-up file of the login\
 shell, such as .bashrc, calls exec: $advice"
  [ "${is_whole-}" = yes ] || fail "a part of this script is missing; a start-up file of the login shell,\
 ${SHELL:-unknown}, reads from its standard input: $advice"
}

# shell_name: print the name of the program that runs this script.
shell_name() {
  name=$(readlink "/proc/$$/exe" 2>/dev/null) || name=$0
  echo "${name##*/}"
}

greet
check_shell
find_connection
