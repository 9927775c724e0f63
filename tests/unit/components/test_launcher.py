"""The launcher of a component, run by real shells without screen."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import attrs
import pytest

from fabfile.components import launcher, start
from fabfile.remote import state_dir
from fabfile.remote.script import read_script
from fabfile.remote.state_dir import MARK
from rr_config import Component, util
from rr_config.util import literal, scoped
from tests.support.awkward import AWKWARD, ENVIRONMENT, EXPANSIONS
from tests.support.files import text
from tests.support.privileges import NAMESPACE
from tests.support.processes import is_alive
from tests.support.waiting import eventually

SHOW = """#!/bin/sh
for arg; do printf '%s\\0' "$arg"; done >"$OUT/args"
pwd >"$OUT/cwd"
echo "$$" >"$OUT/pid"
env -0 >"$OUT/env"
"""


@attrs.frozen
class Launch:
    """A folder in which launchers are run, by a shell of our choice."""

    folder: Path
    shells: Path

    @property
    def home(self) -> Path:
        """The home folder of the host."""
        return self.folder / "home"

    def program(self, path: str, text: str = SHOW, mode: int = 0o755) -> str:
        """Write a program; its absolute path."""
        program = self.folder / path
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text)
        program.chmod(mode)
        return str(program)

    def begin(self, component: Component, *terminal: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start what a window would start, perhaps with a program that provides a terminal."""
        kept = self.kept(component)
        kept.mkdir(parents=True, exist_ok=True)
        (kept / "launcher").write_bytes(os.fsencode(launcher.launcher(component)))
        own = {"PATH": f"{self.shells}:{os.environ['PATH']}", "HOME": str(self.home), "OUT": str(self.folder)}
        pipe = subprocess.PIPE
        (kept / "ticket").write_text("7\n")
        for begun in kept.glob("begun.*"):
            begun.unlink()
        command: list[str | Path] = [*terminal, "sh", kept / "launcher", "7"]
        return subprocess.Popen(command, env=own | environment, cwd="/", stdout=pipe, stderr=subprocess.STDOUT)

    def run(self, component: Component, **environment: str) -> tuple[int, str]:
        """Exit status and output of what a window would run."""
        process = self.begin(component, **environment)
        output, _ = process.communicate(timeout=20)
        return process.returncode, os.fsdecode(output)

    def kept(self, component: Component) -> Path:
        """The folder of what the launcher writes down."""
        return self.folder / "state" / state_dir.folder(component.name)

    def noted(self, component: Component, name: str) -> str:
        """Return the content of a file that the launcher has written."""
        return (self.kept(component) / name).read_text().strip()

    def shown(self, name: str) -> str:
        """Return the content of a file that SHOW has written."""
        return os.fsdecode((self.folder / name).read_bytes())

    @property
    def args(self) -> list[str]:
        """The arguments with which SHOW was run."""
        return self.shown("args").split("\0")[:-1]


@pytest.fixture(params=["dash", "bash"])
def launch(request: pytest.FixtureRequest, tmp_path: Path) -> Launch:
    """Launchers are run by this shell, under the name of sh."""
    shells = tmp_path / "shells"
    shells.mkdir()
    (shells / "sh").symlink_to(str(shutil.which(request.param)))
    (tmp_path / "home").mkdir()
    return Launch(tmp_path, shells)


def component(executable: str, *args: str, base_dir: str | None = "/", name: str = "a") -> Component:
    return Component(name=name, executable=executable, args=list(args), base_dir=base_dir, host="h", start_index=1)


# -- what the program gets


@pytest.mark.parametrize("args", [[], [""], ["", "", ""], [*AWKWARD][:-1], ["x" * 100_000], ["a b"] * 25_000])
def test_args_arrive_unchanged(launch: Launch, args: list[str]) -> None:
    assert launch.run(component(launch.program("show"), *args)) == (0, "")
    assert launch.args == args


def test_names_in_args_are_expanded(launch: Launch) -> None:
    assert launch.run(component(launch.program("show"), *EXPANSIONS), **ENVIRONMENT) == (0, "")
    assert launch.args == list(EXPANSIONS.values())


def test_literal_args_are_not_expanded(launch: Launch) -> None:
    args = [literal("$PLAIN ${PLAIN}"), "$PLAIN", *map(literal, AWKWARD)]
    assert launch.run(component(launch.program("show"), *args), PLAIN="value") == (0, "")
    assert launch.args == ["$PLAIN ${PLAIN}", "value", *AWKWARD]


def test_env_is_for_the_program_alone(launch: Launch) -> None:
    awkward = dict(zip((f"N{number}" for number in range(len(AWKWARD))), AWKWARD, strict=True))
    it = component(launch.program("show"), "$PATH/x", "$OWN")
    it.env = {
        **{n: literal(v) for n, v in awkward.items()},
        "PATH": "/none:$PATH",
        "OWN": "x",
        "KEPT": literal("$PATH"),
    }
    assert launch.run(it) == (0, "")
    found = dict(line.partition("=")[::2] for line in launch.shown("env").split("\0") if line)
    before = f"{launch.shells}:{os.environ['PATH']}"
    assert {name: found[name] for name in awkward} == awkward
    assert (found["PATH"], found["OWN"], found["KEPT"]) == (f"/none:{before}", "x", "$PATH")
    assert launch.args == [f"/none:{before}/x", "x"]


def test_args_see_own_env(launch: Launch) -> None:
    """Every value arrives as it is, even as a part of an argument and twice."""
    awkward = [text for text in AWKWARD if "$" not in text]
    names = [f"N{number}" for number in range(len(awkward))]
    it = component(launch.program("show"), *(f"<${name}>${{{name}}}" for name in names), "$N", "${EMPTY}", "a$EMPTY")
    it.env = {**dict(zip(names, awkward, strict=True)), "N": "1", "EMPTY": ""}
    assert launch.run(it, N="of the host", EMPTY="of the host", N0="of the host") == (0, "")
    assert launch.args == [*(f"<{value}>{value}" for value in awkward), "1", "", "a"]


def test_env_values_see_the_host(launch: Launch) -> None:
    it = component(launch.program("show"), "$A", "$B", "$PATH", literal("$A"), "$LIT", "$UNSET")
    it.env = {"A": "a$B", "B": "b$A", "PATH": "/opt/my bin:$PATH", "LIT": literal("$A"), "UNSET": "u$UNSET"}
    assert launch.run(it, A="host's A", B="host's B") == (0, "")
    path = f"/opt/my bin:{launch.shells}:{os.environ['PATH']}"
    assert launch.args == ["ahost's B", "bhost's A", path, "$A", "$A", "u"]
    found = dict(line.partition("=")[::2] for line in launch.shown("env").split("\0") if line)
    assert (found["A"], found["PATH"]) == ("ahost's B", path)


SPECIAL = [
    "IFS",
    "PS1",
    "PS4",
    "PWD",
    "OLDPWD",
    "HOME",
    "CDPATH",
    "ENV",
    "LC_ALL",
    "BASH_ENV",
    "status",
    "_rr_own_folder",
]


@pytest.mark.parametrize("name", SPECIAL)
def test_args_see_special_names(launch: Launch, name: str) -> None:
    it = component(launch.program("show"), f"${name}", f"x${{{name}}}y")
    it.env = {name: "/ab c"}
    assert launch.run(it)[0] == 0
    assert launch.args == ["/ab c", "x/ab cy"]


def test_scoped_args_have_other_variables(launch: Launch) -> None:
    it = component(
        launch.program("show"), scoped("$A$B"), scoped("$A$B", {"A": "x$A", "B": literal("$B")}), scoped("$N", {"N": 1})
    )
    it.env = {"A": "own", "B": "own", "N": "own"}
    assert launch.run(it, A="host's A", B="host's B") == (0, "")
    assert launch.args == ["host's Ahost's B", "xhost's A$B", "1"]


def test_wrapped_program_is_found_with_other_home(launch: Launch) -> None:
    launch.program("home/bin/show")
    it = component("~/bin/show", "$HOME")
    it.env = {"HOME": "/srv"}
    util.wrap(it, "nice")
    assert launch.run(it) == (0, "")
    assert launch.args == ["/srv"]


def test_shown_command_sees_own_env(launch: Launch) -> None:
    """A person can paste it: sh would replace `$N` before `N=...` counts."""
    it = component(launch.program("show"), "$N", "$PLAIN", "it's ${N}", base_dir=str(launch.folder))
    it.env = {"N": "a  'b' $PLAIN"}
    own = {"PATH": f"{launch.shells}:{os.environ['PATH']}", "OUT": str(launch.folder), "PLAIN": "p", "N": "host"}
    subprocess.run(["sh", "-c", launcher.shown(it)], env=own, check=True)
    assert launch.args == ["a  'b' p", "p", "it's a  'b' p"]


def test_broken_path_does_not_stop_text(launch: Launch) -> None:
    it = component(launch.program("text", 'echo "$PATH"\n'))
    it.env = {"PATH": "/none"}
    assert launch.run(it) == (0, "/none\n")


def test_check_runs_like_the_program(launch: Launch) -> None:
    it = component("/nowhere", base_dir=str(launch.home))
    it.env = {"OWN": "it's $PLAIN"}
    it.ready = util.command("pwd; echo \"$OWN\" '$OWN' $0; exit 7")
    launch.kept(it).mkdir(parents=True)
    script = launch.kept(it) / "launcher"
    script.write_text(launcher.launcher(it))
    own = {"PATH": f"{launch.shells}:{os.environ['PATH']}", "PLAIN": "a  b"}
    done = subprocess.run(["sh", script, "check"], env=own, cwd="/", capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout == f"{launch.home}\nit's a  b $OWN {launch.shells}/sh\n"
    assert [path.name for path in launch.kept(it).iterdir()] == ["launcher"]


def test_text_without_shebang_runs_in_sh(launch: Launch) -> None:
    program = launch.folder / "text"
    program.write_text('tr "\\0" " " <"/proc/$$/cmdline"; echo; printf "<%s>" "$@"\n')
    program.chmod(0o755)
    status, said = launch.run(component(str(program), "a b", ""))
    assert status == 0
    own, given = said.splitlines()
    assert own.split(" ")[-4:] == ["a", "b", "", ""]
    assert "/launcher" not in own
    assert given == "<a b><>"


OF_THE_LAUNCHER = ["folder", "status", "rr_folder", "rr_status", "PPID", "IFS", "0"]


@pytest.mark.parametrize("name", OF_THE_LAUNCHER)
@pytest.mark.parametrize("value", [{}, {"folder": "f", "status": "s", "rr_folder": "r", "rr_status": "t"}])
def test_launcher_variables_do_no_harm(launch: Launch, name: str, value: dict[str, str]) -> None:
    one = component(launch.program("show"), f"${{{name}}}")
    assert launch.run(one, **value) == (0, "")
    assert launch.args == [value.get(name, "" if name != "0" else "${0}")]
    assert f"{MARK}={launch.kept(one)}" in launch.shown("env").split("\0")
    assert launch.noted(one, "status") == "0"


@pytest.mark.parametrize("base_dir", ["base", "a b/c'd\"e", "$HOME", "-n", "*", "new\nline", "é", "a{}b", "{mark}"])
def test_program_starts_in_base_dir(launch: Launch, base_dir: str) -> None:
    folder = launch.folder / base_dir
    program = launch.program(f"{base_dir}/the program")
    assert launch.run(component(program, base_dir=str(folder))) == (0, "")
    assert launch.shown("cwd") == f"{folder}\n"


@pytest.mark.parametrize("base_dir", ["~", "~/work", "~/a b"])
def test_base_dir_may_be_in_the_home(launch: Launch, base_dir: str) -> None:
    folder = launch.home / base_dir[2:]
    folder.mkdir(exist_ok=True)
    assert launch.run(component(launch.program("show"), base_dir=base_dir)) == (0, "")
    assert launch.shown("cwd") == f"{folder}\n"


def test_temporary_base_dir_is_the_noted_one(launch: Launch) -> None:
    launch.program("tmp dir/bin/show me")
    one = component("bin/show me", base_dir=None)
    launch.kept(one).mkdir(parents=True)
    (launch.kept(one) / "base_dir").write_text(f"{launch.folder}/tmp dir\n")
    assert launch.run(one) == (0, "")
    assert launch.shown("cwd") == f"{launch.folder}/tmp dir\n"


@pytest.mark.parametrize("name", ["pro gram", "it's", "-x", "a=b", "$HOME", "*", "é", "\udcff", "~x", "a;b", "{}"])
def test_executable_may_have_any_name(launch: Launch, name: str) -> None:
    program = launch.program(f"bin/{name}")
    assert launch.run(component(program, "x")) == (0, "")
    assert launch.args == ["x"]


def test_executable_may_be_in_the_home(launch: Launch) -> None:
    launch.program("home/my bin/show")
    assert launch.run(component("~/my bin/show", "x")) == (0, "")
    assert launch.args == ["x"]


def test_program_has_only_its_mark(launch: Launch) -> None:
    one = component(launch.program("show"), "$PLAIN")
    launch.run(one, **ENVIRONMENT)
    found = dict(entry.split("=", 1) for entry in launch.shown("env").split("\0") if entry)
    assert found[MARK] == str(launch.kept(one))
    assert {name: found.get(name) for name in ENVIRONMENT} == ENVIRONMENT
    assert [name for name in found if name.startswith("rr_")] == []


# -- what the launcher writes down


def test_noted_pid_is_of_the_program(launch: Launch) -> None:
    one = component(launch.program("show"))
    process = launch.begin(one)
    process.communicate()
    assert launch.noted(one, "pid") == launch.shown("pid").strip()
    assert launch.noted(one, "launcher.pid") not in ("", launch.noted(one, "pid"), str(process.pid))
    assert int(launch.noted(one, "started")) <= int(launch.noted(one, "ended"))


@pytest.mark.parametrize("status", [0, 1, 2, 77, 126, 127, 255])
def test_exit_status_is_passed_and_noted(launch: Launch, status: int) -> None:
    one = component(launch.program("ends", f"#!/bin/sh\nexit {status}\n"))
    assert launch.run(one) == (status, "")
    assert launch.noted(one, "status") == str(status)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGHUP, signal.SIGINT])
def test_signal_is_noted(launch: Launch, number: signal.Signals) -> None:
    one = component(launch.program("ends", f"#!/bin/sh\nkill -{number.value} $$\nsleep 9\n"))
    status, _ = launch.run(one)
    assert (status, launch.noted(one, "status")) == (128 + number, str(128 + number))


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_launcher_survives_program_signals(launch: Launch, number: signal.Signals) -> None:
    one = component(
        launch.program("waits", f'#!/bin/sh\ntouch "{launch.folder}/runs"\nread -r line <"$OUT/fifo"\nexit 5')
    )
    os.mkfifo(launch.folder / "fifo")
    process = launch.begin(one)
    eventually((launch.folder / "runs").exists, "the program runs")
    (recorder,) = text(Path(f"/proc/{process.pid}/task/{process.pid}/children")).split()
    os.kill(int(recorder), number)
    process.send_signal(number)
    (launch.folder / "fifo").write_text("end\n")
    process.communicate(timeout=10)
    if number == signal.SIGHUP:  # the window is gone, and its process with it; what notes the end is not
        assert process.returncode == -signal.SIGHUP
        eventually(lambda: launch.noted(one, "status") == "5", "the exit status")
    else:
        assert (process.returncode, launch.noted(one, "status")) == (5, "5")


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM])
def test_program_has_default_signals(launch: Launch, number: signal.Signals) -> None:
    one = component("/bin/sleep", "100")
    process = launch.begin(one)
    eventually(lambda: is_exec_ed(launch.kept(one)), "sleep runs")
    os.kill(int(launch.noted(one, "pid")), number)
    process.communicate(timeout=10)
    assert launch.noted(one, "status") == str(128 + number)


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ("exit 137", "137-exit"),
        ("kill -KILL $$", "137"),
        ("kill -USR1 $$", "138"),
        ("exit 129", "129-exit"),
        ("exit 147", "147-exit"),
        ("exit 128", "128"),
        ("kill -TERM $$", "143"),
        ("exit 143", "143-exit"),
        ("trap 'exit 143' TERM; kill -TERM $$", "143-exit"),
        ("exit 141", "141"),  # no shell tells it from SIGPIPE
        ("sh -c 'kill -KILL $$'", "137-exit"),
        ("exit 127", "127"),
    ],
)
def test_own_exit_differs_from_signal(launch: Launch, script: str, status: str) -> None:
    one = component("/bin/sh", "-c", f"{script}; exit")
    returned, output = launch.run(one)
    assert (str(returned), launch.noted(one, "status")) == (status.partition("-")[0], status)
    assert output.count("\n") == ("KILL" in script or "USR1" in script or script == "kill -TERM $$")
    assert not (launch.kept(one) / "unexecuted").exists()


@pytest.mark.parametrize("executable", ["/no/such", "/etc/passwd", "/", "orphan"])
def test_failed_exec_is_recorded(launch: Launch, executable: str) -> None:
    launch.program("orphan", "#!/no/such/interpreter\n")
    one = component(executable, base_dir=str(launch.folder))
    assert launch.run(one)[0] in (126, 127)
    assert (launch.kept(one) / "unexecuted").exists()


def test_late_window_has_no_secrets(launch: Launch) -> None:
    """The script that had them has ended."""
    one = component(launch.program("show"))
    one.env = {"TOKEN": util.secret("PATH")}
    status, output = launch.run(one)
    words = "its secrets are gone, because the command that started it has ended; start it again\n"
    assert (status, output) == (126, words)
    assert (launch.kept(one) / "unexecuted").exists() and not (launch.folder / "args").exists()


def is_exec_ed(kept: Path) -> bool:
    """Whether the program runs: its own environment names its component."""
    pid = text(kept / "pid").strip()
    return bool(pid) and f"{MARK}={kept}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes()


def test_full_disk_keeps_the_exit_status(launch: Launch) -> None:
    fill = '#!/bin/sh\nhead -c 1000000 /dev/zero >"$REMOTE_RUNNER_COMPONENT/fill" 2>/dev/null\nexit 3\n'
    one = component(launch.program("fill", fill))
    launch.kept(one).mkdir(parents=True)
    (launch.folder / "launcher").write_bytes(os.fsencode(launcher.launcher(one)))
    script = (
        'mount -t tmpfs -o size=40k none "$1" && cp "$2" "$1" && echo 7 >"$1/ticket" && sh "$1/launcher" 7; cd "$1"; '
    )
    script += "grep -H . status ended; : >more && echo x >more || echo full"
    command = [*NAMESPACE.split(), "sh", "-c", script, "sh", str(launch.kept(one)), str(launch.folder / "launcher")]
    path = f"{launch.shells}:{os.environ['PATH']}"
    said = subprocess.run(command, env={"PATH": path, "LC_ALL": "C"}, capture_output=True, text=True).stdout
    assert re.fullmatch(r"status:3 *\nended:\d+ *\nfull\n", said), said


def test_lost_terminal_keeps_the_exit_status(launch: Launch) -> None:
    move = launch.shells / "mv"
    move.write_text('#!/bin/sh\ntouch "$OUT/moving"\nsleep 0.5\nexec /bin/mv "$@"\n')
    move.chmod(0o755)
    one = component("/bin/sh", "-c", "exit 3")
    process = launch.begin(one)
    eventually((launch.folder / "moving").exists, "the end of the program")
    family = [process.pid]
    for pid in family:
        family += map(int, text(Path(f"/proc/{pid}/task/{pid}/children")).split())
    for pid in family[1:]:  # the first leads the session of the terminal
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGHUP)
    process.communicate(timeout=10)
    assert launch.noted(one, "status") == "3" and launch.noted(one, "ended")


def test_stuck_launcher_differs_from_no_window() -> None:
    one = component("x")
    for answer, words in (
        ("failed a - begun", "timed out: the window did not start the program"),
        ("failed a - ", "screen opened no"),
    ):
        (outcome,) = start.read_started([one], [answer])
        assert isinstance(outcome, start.NotStarted) and outcome.reason.startswith(words)


def test_window_without_ticket_is_idle(launch: Launch) -> None:
    """Screen opened it late: another command has come since."""
    one = component(launch.program("show"))
    assert launch.run(one) == (0, "")
    (launch.folder / "args").unlink()
    again: list[str | Path] = ["sh", launch.kept(one) / "launcher", "7"]
    done = subprocess.run(again, env={"PATH": f"{launch.shells}:{os.environ['PATH']}"}, capture_output=True)
    assert (done.returncode, done.stdout) == (0, b"another command has started it since\n")
    assert not (launch.folder / "args").exists()


def test_revoked_window_never_starts(launch: Launch) -> None:
    """A start revokes earlier tickets before it removes the files of the component, `begun.TICKET` among them."""
    one = component(launch.program("show"))
    launch.run(one)
    (launch.folder / "args").unlink()
    state, folder = launch.kept(one).parent, launch.kept(one).name
    again = f"sh {folder}/launcher 7"
    script = f"cd {state}; state={state}; id=1.runner; revoke_ticket {folder}; rm {folder}/begun.*; {again}"
    library = f"is_evaluated=yes; is_whole=yes; {read_script('start.sh')}"
    done = subprocess.run(
        ["sh", "-c", library + script],
        env={"PATH": f"{launch.shells}:{os.environ['PATH']}", "HOME": str(launch.home)},
        capture_output=True,
    )
    assert done.stdout.endswith(b"another command has started it since\n"), done
    assert not (launch.folder / "args").exists()


# -- what cannot start


@pytest.mark.parametrize(
    ("executable", "status", "words"),
    [
        ("/no/such/program", 127, "not found|no such file"),
        ("/etc/passwd", 126, "permission denied"),
        ("/etc", 126, "permission denied|is a directory"),
        ("/etc/passwd/x", 126, "not a directory|permission denied|not found"),
        ("~/none", 127, "not found|no such file"),
    ],
)
def test_failed_start_exits_with_126_or_127(launch: Launch, executable: str, status: int, words: str) -> None:
    one = component(executable)
    ended, output = launch.run(one)
    assert ended in ((126, 127) if executable == "/etc/passwd/x" else (status,))
    assert any(word in output.lower() for word in words.split("|"))
    assert launch.noted(one, "status") == str(ended)


def test_missing_interpreter_fails_start(launch: Launch) -> None:
    one = component(launch.program("broken", "#!/no/such/interpreter\n"))
    ended, output = launch.run(one)
    assert ended in (126, 127)
    assert output


def test_missing_base_dir_exits_with_126(launch: Launch) -> None:
    one = component(launch.program("show"), base_dir=str(launch.folder / "none"))
    ended, output = launch.run(one)
    assert (ended, launch.noted(one, "status")) == (126, "126")
    assert str(launch.folder / "none") in output
    assert not (launch.folder / "args").exists()


# -- processes that the program leaves

TERMINAL = "import pty, sys; pty.spawn(sys.argv[1:])"
LEAVES = """#!/bin/sh
sh -c 'echo $$ >"$OUT/victim"; exec sleep 1000' &
(trap '' HUP; sleep 1; echo late) &
while [ ! -s "$OUT/victim" ]; do sleep 0.01; done
"""


def test_output_after_the_end_is_kept(launch: Launch) -> None:
    """As long as one of its processes runs, the window stays open. Others get the SIGHUP of a closed window."""
    it = component(launch.program("leaves", LEAVES))
    process = launch.begin(it, sys.executable, "-c", TERMINAL)
    eventually((launch.kept(it) / "status").exists, "the end of the program")
    assert is_alive(int(launch.noted(it, "launcher.pid")))
    output, _ = process.communicate(timeout=20)
    assert output == b"late\r\n"
    assert not is_alive(int(launch.shown("victim")))
    assert launch.noted(it, "status") == "0"
