"""POSIX sh text: quoting, and the way in which every script is sent and answers.

Pure. A value enters shell text through `quote`, `path` or `expanded`, and in no other way.

A script answers in records that end with NUL, because a path or an error text may hold any other
character. Its text goes to the standard input of a one-line command, so that neither its length nor
the login shell of the user (which may be csh or fish) matters; what it has to read follows it there.
"""

import re
import shlex
import signal

VARIABLE = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
HOME = re.compile(r"~[A-Za-z0-9_.-]*")

# How the first record of every script begins: what comes before it is noise of the login shell. Behind it is by what
# a machine and a home on it are known: the id of its last boot, its name, and the home. Machines may share a home.
GREETING = "remote-runner "
DONE = "done"
FAILED = "fail "


def quote(text: str) -> str:
    """`text` as one word of sh that means exactly `text`."""
    return shlex.quote(text)


def path(remote: str) -> str:
    """A remote path as one word of sh: literal, but for a leading `~` or `~user`, which sh expands."""
    home, slash, rest = remote.partition("/")
    if not HOME.fullmatch(home):
        return quote(remote)
    return home + slash + (quote(rest) if rest else "")  # a quoted slash would keep sh from expanding


def variables(text: str) -> set[str]:
    """The names that `expanded(text)` uses."""
    return {braced or plain for braced, plain in VARIABLE.findall(text)}


OWN = "_rr_value_of_"


def expanded(text: str, prefix: str = OWN) -> str:
    """`text` as one word of sh in which `$NAME` and `${NAME}` stand for the host's environment.

    The word reads `_rr_value_of_NAME` (or NAME behind another `prefix`), which the script has to set first
    (`from_environment`), so that sh's own variables, which are not of the environment, count as unset.
    """
    word = ""
    end = 0
    for match in VARIABLE.finditer(text):
        literal = text[end : match.start()]
        word += (quote(literal) if literal else "") + f'"${prefix}{match[1] or match[2]}"'
        end = match.end()
    rest = text[end:]
    return word + (quote(rest) if rest or not word else "")


def from_environment(name: str) -> str:
    """A line of sh that sets `_rr_value_of_NAME` to the environment's NAME, empty where that is unset."""
    # The dot keeps the newlines at the end of the value, which $( ) would strip.
    own = f"{OWN}{name}"
    return f"{own}=$(printenv {name} && echo .); {own}=${{{own}%?.}}"


def signal_of(status: int | None) -> str | None:
    """The name of the signal by which a program was ended that has that exit status, if it was by one (see `sh`)."""
    number = (status or 0) - 128
    return signal.Signals(number).name if number in set(signal.Signals) else None


def script(body: str, controller: str = "", born: int = 0, group: int = 0) -> bytes:
    """The bytes of a script that greets, runs `body`, and says `done` if nothing failed.

    `body` may use `answer TEXT` (a record), `fail TEXT` (a last record, and the end), `$machine`, the name
    of the host for itself, and `$controller`, who runs it from where, which came up at `$controller_born`, in the
    `$own_group`th group of its connections.
    """
    # In a function, so that a script of which only a part arrives is a syntax error and does nothing.
    text = (
        f"controller={quote(controller)} controller_born={born} own_group={group}\n"
        + PROLOGUE
        + "main() {\n"
        + body
        + "\n}\nmain\nanswer done\n"
    )
    return text.encode("utf-8", "surrogateescape")


def command(script_bytes: bytes) -> str:
    """The command line that reads a script of that length from its standard input and runs it."""
    return f"exec sh -c 'eval \"$(head -c {len(script_bytes)})\"'"


PROLOGUE = f"""\
answer() {{ printf '%s\\0' "$1"; }}
fail() {{ answer "{FAILED}$1"; exit 1; }}
look_at() {{  # PID: sets $its_parent, $its_session and $its_birth, which is empty if it has ended (or is a zombie)
  its_parent= its_session= its_birth=
  {{ read -r stat <"/proc/$1/stat"; }} 2>/dev/null && set -- ${{stat##*) }} || return
  its_parent=$2 its_session=$4
  case $1 in Z | X) ;; *) its_birth=${{20}} ;; esac
}}
# Who runs the script: sshd for our side of the connection, which begins a session of the kernel for each script, or the
# program here, which does too; a ForceCommand may be in between. Or the leader of that session, where an SSH server
# begins one for each connection, as Dropbear does: it has not got the environment of what it serves. Nobody where
# processes are hidden (hidepid).
look_at $$
leader=${{its_session:-none}}
look_at "$leader"
owner=${{its_parent:-none}}
[ "$leader" = $$ ] || [ -z "${{SSH_CONNECTION-}}" ] ||
  grep -qzxsF "SSH_CONNECTION=$SSH_CONNECTION" "/proc/$leader/environ" || owner=$leader
look_at "$owner"
owner_born=$its_birth
orphaned() {{ look_at "$owner"; [ "$its_birth" != "$owner_born" ]; }}  # whether it is gone
need() {{
  missing=
  for program in "$@"; do command -v "$program" >/dev/null 2>&1 || missing="$missing $program"; done
  [ -z "$missing" ] || fail "not installed:$missing; $(install_command $missing)"
}}
package_manager() {{  # with its word for installing
  for line in 'apt-get install' 'dnf install' 'yum install' 'zypper install' 'pacman -S' 'apk add'; do
    command -v "${{line%% *}}" >/dev/null 2>&1 && {{ echo "$line"; return; }}
  done
  return 1
}}
install_command() {{
  by=
  [ "$(id -u)" = 0 ] || by='sudo '
  if line=$(package_manager); then echo "install there with: $by$line $*"
  else echo "install there what is missing"; fi
}}
{{ read -r boot </proc/sys/kernel/random/boot_id; read -r machine </proc/sys/kernel/hostname; }} 2>/dev/null
case $machine in '' | .* | *[!A-Za-z0-9_.-]*) machine=unnamed ;; esac
answer; answer "{GREETING}$boot $machine $HOME"
"""
