"""The script that starts one component and records how it fares. Pure.

A window runs the launcher, which stays beside the program to write down its end. A process is known by
its id and the time when it began. The proof that a program has been started is that the process with its
id is not the launcher's shell any more, by its command line: execve(2) has been through.
"""

from rr_config import Component
from rr_config.util import literal

from ..remote import shell
from ..remote.state_dir import MARK


def launcher(component: Component) -> str:
    """The script that a window runs for `component`."""
    texts = [*component.args, *component.env.values()]
    names = sorted(set().union(*(shell.variables(text) for text in texts if not isinstance(text, literal))))
    is_checked = component.ready is not None and component.ready.kind == "command"
    return LAUNCHER.format(
        base_dir='"$(cat "$_rr_own_folder/base_dir")"'
        if component.base_dir is None
        else shell.path(component.base_dir),
        host_environment="".join(f"  {shell.from_environment(name)}\n" for name in names),
        own_environment="".join(f"  export {name}={_word(value)}\n" for name, value in component.env.items()),
        command=" ".join(_command(component)),
        check=shell.quote(component.ready.value) if component.ready and is_checked else ":",
        mark=MARK,
    )


def shown(component: Component) -> str:
    """The command of `component` as one would type it on its host."""
    folder = "its temporary folder" if component.base_dir is None else shell.path(component.base_dir)
    env = [f"{name}={_word(value, '')}" for name, value in component.env.items()]
    return " ".join(["cd", folder, "&&", *env, *_command(component, "")])


def _command(component: Component, prefix: str = shell.OWN) -> list[str]:
    return [_executable(component), *(_word(arg, prefix) for arg in component.args)]


def _word(text: str, prefix: str = shell.OWN) -> str:
    return shell.quote(text) if isinstance(text, literal) else shell.expanded(text, prefix)


def _executable(component: Component) -> str:
    if component.executable.startswith(("/", "~")):
        return shell.path(component.executable)
    return f'"$PWD"/{shell.quote(component.executable)}'


# Three processes: screen runs `sh FOLDER/launcher`, which runs itself with `record`, which runs itself with `exec`.
# The traps keep the first two alive through what is meant for the program, as Ctrl-C in the window is. But the first
# ends with its window: it leads the session of the terminal, and so the kernel tells the program (SIGHUP) that the
# terminal is gone, and the second can still write down how that ended. bash would run a text without `#!` in the very
# process of the launcher, so that there was no proof of it; it gets what other shells give it, an sh of its own. There
# is room for how the program ends before it begins: the disk may be full then. A window has a ticket, for which it
# starts the program, and nobody else does: screen may open it when those who wanted it have gone, and others have
# come. With `check`, it runs what `util.command` says as it would run the program.
LAUNCHER = """\
_rr_own_folder=${{0%/*}}
read_environment() {{
  :
{host_environment}}}
change_environment() {{
  {mark}=$_rr_own_folder
  export {mark}
{own_environment}}}
case ${{1-}} in
  exec)
    _rr_own_umask=$(umask)
    umask 077
    read -r _rr_own_stat <"/proc/$$/stat"
    set -- ${{_rr_own_stat##*) }}
    echo "${{20}}" >"$_rr_own_folder/born"
    echo "$$" >"$_rr_own_folder/pid"
    echo "${{STY-}}" >"$_rr_own_folder/session"
    echo "${{WINDOW-}}" >"$_rr_own_folder/window"
    date +%s >"$_rr_own_folder/started"
    umask "$_rr_own_umask"
    set --
    cd {base_dir} || exit 126
    read_environment
    set -- {command}
    [ ! -d "$1" ] || {{ echo "$1: is a directory" >&2; exit 126; }}
    [ -z "${{BASH_VERSION-}}" ] || [ ! -f "$1" ] || [ ! -x "$1" ] || case $(head -c 80 -- "$1" | tr '\\000' '\\007') in
      '#!'* | *"$(printf '\\007')"*) ;;
      *) set -- "$(command -v sh)" "$@" ;;
    esac
    change_environment
    exec "$@"
    ;;
  check)
    cd {base_dir} || exit 126
    read_environment
    set -- "$(command -v sh)" -c {check}
    change_environment
    exec "$@"
    ;;
  record)
    trap : HUP INT QUIT TERM
    (
      umask 077
      echo "$$" >"$_rr_own_folder/launcher.pid"
      for _rr_own_file in ended status; do printf '%-12s\n' '' >"$_rr_own_folder/$_rr_own_file.room"; done
    )
    sh "$0" exec
    _rr_own_status=$?
    trap '' HUP INT QUIT TERM  # for what is run here, too: the terminal may go now
    note() {{
      printf '%-12s\n' "$2" 1<>"$_rr_own_folder/$1.room" && mv "$_rr_own_folder/$1.room" "$_rr_own_folder/$1"
    }}
    note ended "$(date +%s)"
    note status "$_rr_own_status"
    ;;
  *)
    trap : INT QUIT TERM
    is_wanted() {{ read -r _rr_own_ticket <"$_rr_own_folder/ticket" && [ "$_rr_own_ticket" = "$1" ]; }}
    begins() {{ is_wanted "$1" && echo "${{STY-}}" >"$_rr_own_folder/begun.$1" && is_wanted "$1"; }}
    (umask 077; set -C; begins "${{1-}}") 2>/dev/null ||
      {{ echo "another command has started it since"; exit 0; }}
    sh "$0" record
    _rr_own_status=$?
    ;;
esac
exit "$_rr_own_status"
"""


# running FOLDER: whether its program has been exec'ed and still runs; sets pid.
RUNNING = """\
running() {
  [ ! -s "$1/status" ] && { read -r pid <"$1/pid" && read -r born <"$1/born"; } 2>/dev/null || return
  { read -r stat <"/proc/$pid/stat"; } 2>/dev/null || return
  folder_of_running=$1
  set -- ${stat##*) }  # behind the name, which may hold spaces: state, ..., and when it began
  case $1 in Z | X) return 1 ;; esac
  [ "${20}" = "$born" ] && ! grep -qzxsF "$state/$folder_of_running/launcher" "/proc/$pid/cmdline"
}
"""

# launcher_lives FOLDER: whether its launcher does, by a look that runs no program; sets pid. Another process that has
# got its id has another command line: of that, `read` makes one line without NULs, and says no, as no newline ends it.
LAUNCHER_LIVES = """\
launcher_lives() {
  { read -r pid <"$1/launcher.pid" && { read -r line || :; } <"/proc/$pid/cmdline"; } 2>/dev/null || return
  case $line in *"$state/$1/launcher"*) ;; *) return 1 ;; esac
}
"""
