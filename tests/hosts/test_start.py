"""`fab start` and `fab run`: order, arguments, windows, output and failures."""

import contextlib
import os
import re
import signal
import subprocess
import sys

import pytest

from tests.support.commands import running
from tests.support.connections import sessions_begun
from tests.support.farm import ThrowawayHost, command_lines
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.pid_programs import ADD, prepare
from tests.support.processes import alive, noted
from tests.support.sessions import attached, ids
from tests.support.soak import often
from tests.support.waiting import eventually

# Writes its arguments, each with a NUL behind it, to ~/args.N, N being in its own name; and its folder to ~/cwd.N.
PRINTER = r"""#!/bin/sh
number=${0##*.}
for argument do printf '%s\0' "$argument"; done >~/args.part
pwd -P >~/cwd."$number"
mv ~/args.part ~/args."$number"
"""
PLAIN = [
    "",
    " ",
    "a b",
    "it's",
    'say "x"',
    "'\"'\"'",
    ";",
    "*",
    "?",
    "[a]",
    "\n",
    "a\nb\n",
    "^",
    "^M",
    "\\",
    "\\\\",
    "\\n",
]
PLAIN += [
    "-n",
    "-",
    "--",
    "--help",
    "ünï",
    "日本",
    "\udcff",
    "`id`",
    "$(id)",
    "$",
    "$$",
    "$1",
    "$?",
    "${",
    "${HOME:-x}",
]
PLAIN += [
    "~",
    "~/x",
    "#",
    "&",
    "|",
    "<",
    ">",
    "!",
    "{a,b}",
    "\t",
    "\r",
    "\x1b[0m",
    "%t",
    "=",
    "a=b",
    "$9x",
    "x" * 100_000,
    "",
]
EXPANDED = {"$HOME": "{home}", "${HOME}/x y": "{home}/x y", "a$HOME$HOME": "a{home}{home}", "\\$HOME": "\\{home}"}
EXPANDED |= {
    "'$HOME'": "'{home}'",
    "$NO_SUCH": "",
    "a${NO_SUCH}b": "ab",
    "$IFS": "",
    "$rr_folder": "",
    "$$HOME": "${home}",
}
TITLES = ["plain", "plain2", "a b", "it's", 'say "x"', "$HOME", "back\\slash", "^A", "%t", "semi;colon", "-dash", "ünï"]


def titles(host: ThrowawayHost, windows: int) -> list[str]:
    """The titles of the first so many windows, in their order."""
    (id_,) = ids(host)
    return [host.run(f"screen -S {id_} -p {number} -Q title") for number in range(windows)]


def test_program_gets_args_and_folder(lab: Lab) -> None:
    for name in ("my prog's.1", "my prog's.2", "local prog.3", "-x.4"):
        lab.write(name, PRINTER, 0o755)
    own = [*PLAIN, *EXPANDED]
    lab.config(
        ADD
        + f"args = {own!a} + [util.literal('$HOME'), util.literal('a ${{HOME}}')]\n"
        + """
files = {"my prog's.1": "sub dir/my prog's.1"}
add("one", executable="sub dir/my prog's.1", base_dir="~/odd $HOME 'dir'", files=files, args=args, wait=True)
add("two", "node2", executable="my prog's.2", base_dir=None, files={"my prog's.2": "."+"/my prog's.2"}, args=args, wait=True)
add("three", localhost, executable="local prog.3", args=args, wait=True)
add("four", "node3", executable="-x.4", files={"-x.4": "-x.4"}, args=[], wait=True)
"""
    )
    lab.run("run")
    for number, host in ((1, lab.node1), (2, lab.node2), (3, lab.here)):
        wanted = [*PLAIN, *(value.format(home=host.home) for value in EXPANDED.values()), "$HOME", "a ${HOME}"]
        got = [os.fsdecode(arg) for arg in (host.home / f"args.{number}").read_bytes().split(b"\0")[:-1]]
        assert [(n, g) for n, (g, w) in enumerate(zip(got, wanted, strict=True)) if g != w] == []
    assert (lab.node3.home / "args.4").read_bytes() == b""
    assert text(lab.node1.home / "cwd.1") == f"{lab.node1.home}/odd $HOME 'dir'\n"
    assert text(lab.node2.home / "cwd.2").startswith(f"{lab.node2.tmp}/")
    assert text(lab.node3.home / "cwd.4") == f"{lab.node3.home}/work\n"


def test_index_waits_for_smaller_ones(lab: Lab) -> None:
    prepare(
        lab,
        """
stamp = "date +%s%N >~/at.$1.part; mv ~/at.$1.part ~/at.$1; exec sleep 1000"
for index, hosts in {-1: ["node3"], 2: ["node1", "node2", localhost], 10: ["node2", "node1"]}.items():
    for host in hosts:
        for letter in "abc":
            add(f"{index}{letter}", host, index, args=[f"{index}.{letter}", stamp])
""",
    )
    lab.run("run")
    hosts = (lab.node1, lab.node2, lab.node3, lab.here)

    def stamps() -> list[tuple[int, int]]:
        found = [path for host in hosts for path in host.home.glob("at.*.[abc]")]
        return [(int(path.name.split(".")[1]), int(path.read_text())) for path in found]

    eventually(lambda: len(stamps()) == 18, "all components run")
    at = {index: [when for i, when in stamps() if i == index] for index in (-1, 2, 10)}
    assert max(at[-1]) < min(at[2])
    assert max(at[2]) < min(at[10])


def test_output_is_separate_and_prompt(lab: Lab) -> None:
    """Each component writes a line when the file `~/go` exists, after all of them have begun."""
    talk = "echo first $1; until [ -e ~/go ]; do sleep 0.02; done; echo then $1 >&2; sleep 1000"
    first, second = ["one", "two", "three"], ["four", "five"]
    for names in (first, first + second):
        prepare(lab, f"for name in {names}:\n    add(name, args=[name, {talk!r}])")
        lab.run("run" if names == first else "start")
        outputs = {name: lab.node1.state() / name / "output" for name in names}
        eventually(lambda: all("first" in text(path) for path in outputs.values()), "the first words")  # noqa: B023
    assert not any("then" in text(path) for path in outputs.values())
    (lab.node1.home / "go").touch()
    eventually(lambda: all("then" in text(path) for path in outputs.values()), "the words in the files", seconds=0.9)
    for name, path in outputs.items():
        assert text(path).split() == ["first", name, "then", name]
    (id_,) = ids(lab.node1)
    for number, title in enumerate(titles(lab.node1, 1 + len(first + second))):
        if title in outputs:
            lab.node1.run(f"screen -S {id_} -p {number} -X hardcopy ~/shown.{number}")
            shown = lab.node1.home / f"shown.{number}"
            eventually(lambda shown=shown: "then" in text(shown), "the words in the window")  # type: ignore[misc]
            assert text(shown).split() == ["first", title, "then", title]


def test_windows_have_component_names(lab: Lab) -> None:
    prepare(lab, f"for name in {TITLES!a}:\n    add(name, args=['x'])")
    lab.run("run")
    assert titles(lab.node1, 1 + len(TITLES)) == ["shell", *TITLES]


def test_watched_window_does_not_rename(lab: Lab) -> None:
    prepare(lab, "for name in ('one', 'two'):\n    add(name, args=['x'])")
    lab.run("screen")
    lab.run("sync")
    with attached(lab.node1):
        lab.run("start")
        assert titles(lab.node1, 3) == ["shell", "one", "two"]


def test_second_start_keeps_many_components(lab: Lab) -> None:
    prepare(
        lab,
        "for number in range(50):\n    add(f'c{number}', args=[str(number)])\nadd('short', args=['short', 'true'])",
    )
    lab.run("run")
    numbers = {str(number) for number in range(50)}
    eventually(lambda: alive(lab.node1) == numbers, "all programs")
    before = noted(lab.node1)
    eventually(lambda: (lab.node1.state() / "short/status").exists(), "the end of the one that ends")
    lab.run("start")
    eventually(lambda: noted(lab.node1)["short"] != before["short"], "what had ended is started again")
    assert {name: pid for name, pid in noted(lab.node1).items() if name in numbers} == {n: before[n] for n in numbers}


def test_disguised_program_runs_once(lab: Lab) -> None:
    """A cleared environment, and a command line that is overwritten, as programs do that show a title there."""
    lab.write("title.py", "import ctypes, sys, time\n" + TITLE + "print('titled', flush=True)\ntime.sleep(1000)\n")
    prepare(
        lab,
        f"""
add("cleared", executable="/usr/bin/env", args=["-i", "/bin/sleep", "1000"])
add("titled", executable={sys.executable!r}, args=["title.py"], files={{"title.py": "title.py"}})
add("later", start_index=2, args=["later"])
""",
    )
    lab.run("run")
    before = noted(lab.node1)
    eventually(lambda: "titled" in text(lab.node1.state() / "titled/output"), "the title to be set")
    assert lab.run("start").stdout.count("already running") == 3
    assert noted(lab.node1) == before


def test_reused_process_id_is_noticed(lab: Lab) -> None:
    """As after a restart of the host, or where the launcher was killed with its program."""
    prepare(lab, "add('one', args=['one'])")
    lab.run("run")
    for pid, line in command_lines(lab.node1.folder).items():
        if b"one" in line:
            with contextlib.suppress(ProcessLookupError):  # a look of the note-taker, which names it, too
                os.kill(pid, signal.SIGKILL)
    eventually(lambda: alive(lab.node1) == set(), "the end of the program")
    other = int(lab.node1.run("sleep 1000 >/dev/null 2>&1 & echo $!"))
    (lab.node1.state() / "one/pid").write_text(f"{other}\n")
    (lab.node1.state() / "one/status").unlink(missing_ok=True)
    assert "was running" not in lab.run("start").stdout
    assert alive(lab.node1) == {"one"}


# Overwrites the memory in which the kernel finds the command line: argv[0], and all behind it.
TITLE = """
stat = open("/proc/self/stat").read().rpartition(")")[2].split()
arguments, behind = int(stat[45]), int(stat[46])  # arg_start and arg_end, proc(5)
ctypes.memset(arguments, ord("x"), behind - arguments)
"""


@pytest.mark.parametrize("order", ["-p one -X kill", "-X quit"])
def test_closed_window_ends_its_program(lab: Lab, order: str) -> None:
    prepare(lab, "add('one', args=['one'])")
    lab.run("run")
    (id_,) = ids(lab.node1)
    lab.node1.run(f"screen -S {id_} {order}")
    eventually(lambda: alive(lab.node1) == set(), "the end of the program")
    eventually(lambda: text(lab.node1.state() / "one/status").strip() == "129", "its exit status")


@pytest.mark.parametrize("zombie", often(["--no-zombie"], ["--zombie"]))
def test_failed_start_is_reported(lab: Lab, zombie: str) -> None:
    lab.write("orphan", "#!/no/such/interpreter\n", 0o755)
    lab.write("env", "#!/usr/bin/env no-such\n", 0o755)
    prepare(
        lab,
        """
add("missing", executable="no such file")
add("plain", executable="/etc/passwd")
add("orphan", executable="orphan", files={"orphan": "orphan"})
add("folder", executable="/")
add("says 127", "node2", args=["a", "echo my own words >&2; exit 127"])
add("says 126", "node2", args=["b", "echo other words >&2; exit 126"])
add("env", "node2", executable="env", files={"env": "env"})
add("local", localhost, executable="no such file")
add("fine", "node3", args=["fine"])
add("later", "node3", 2, args=["later"])
""",
    )
    done = lab.fab("run", zombie if zombie == "--no-zombie" else "--log-level=INFO", "--config", "cfg.py")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    not_started = "start 1: could not be started (exit status 12"
    wanted = {
        "node1/missing": "not found",
        "node1/plain": "permission denied",
        "node1/orphan": "not found",
        "node1/folder": "is a directory",
        "node2/says 127": "started, ended with exit status 127; ",
        "node2/says 126": "started, ended with exit status 126; ",
        "node2/env": "started, ended with exit status 127; ",
        "localhost/local": "not found",
    }
    lines = {line.partition(":")[0]: line for line in done.stderr.splitlines()}
    assert {
        label: label in lines and words in lines[label].lower() for label, words in wanted.items()
    } == dict.fromkeys(wanted, True), done.stderr
    assert {label for label in wanted if not_started not in lines[label]} == {
        "node2/says 127",
        "node2/says 126",
        "node2/env",
    }
    for words in ("  | my own words\n", "  | other words\n", "No such file or directory\n"):
        assert words in done.stderr
    assert "node3/fine" not in lines
    assert alive(lab.node3) == {"fine"}


def test_failed_start_on_busy_host_is_reported(lab: Lab) -> None:
    lab.write("lacks", "#!/usr/bin/env python3\nimport json, subprocess, sys\nsys.exit(127)\n", 0o755)
    lab.config(
        "def add(name, index, **more):\n    config.add_component(Component(name=name, host='node1',"
        " start_index=index, base_dir='~/work', files={'lacks': 'lacks'}, **more))\n"
        "for number in range(4):\n    add(f'busy{number}', 1, executable='/bin/sh', args=['-c', 'while :; do :; done'])\n"
        "for number in range(3):\n    add(f'c{number}', 2, executable='lacks')\n"
    )
    done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    assert len(re.findall(r"^node1/c\d: start 2: started, ended with exit status 127", done.stderr, re.M)) == 3
    lab.run("kill")


def test_run_reports_each_end(lab: Lab) -> None:
    prepare(
        lab,
        """
add("good", wait=True, args=["good", "sleep 0.5; echo >~/done"])
add("three", "node2", wait=True, args=["three", "exit 3"])
add("term", "node2", wait=True, args=["term", "kill -TERM $$"])
add("kill", localhost, wait=True, args=["kill", "kill -KILL $$"])
add("server", "node3")
""".replace('add("server", "node3")', 'add("server", "node3", args=["server"])'),
    )
    done = lab.fab("run", "--config", "cfg.py")
    said = done.stdout + done.stderr
    assert done.returncode == 1, said
    assert (lab.node1.home / "done").exists()
    for label, how in {"node2/three": "3", "node2/term": "SIGTERM", "localhost/kill": "SIGKILL"}.items():
        assert re.search(f"^{label}: .*{how}", done.stderr, re.MULTILINE), said
    assert re.search(r"node1/good .*ended.* 0 after \d s$", done.stdout, re.MULTILINE), said
    assert "node1/good" not in done.stderr
    assert alive(lab.node3) == {"server"}


def test_terminate_ends_the_others(lab: Lab) -> None:
    """The servers have children, one of which wants to be told twice; sessions and their windows stay."""
    server = "trap '' TERM; (trap '' TERM; echo $$ >~/pid.child; sleep 1000) & sleep 1000"
    prepare(
        lab,
        f"""
for host in ("node1", "node2", localhost):
    add("server", host, args=["server", {server!r}])
add("client1", "node1", 2, wait=True, args=["client1", "until [ -e ~/go ]; do sleep 0.1; done; exit 3"])
add("client2", "node3", 2, wait=True, args=["client2", "true"])
""",
    )
    hosts = (lab.node1, lab.node2, lab.here)
    before = sessions_begun(lab.node1)
    with running(lab, "run", "--terminate") as fab:
        assert fab.stdout
        for line in fab.stdout:
            if line.startswith("  node3/client2") and "ended" in line:
                break
        assert all("server" in alive(host) for host in hosts)
        (lab.node1.home / "go").touch()
        said, _ = fab.communicate(timeout=30)
    assert fab.returncode == 1, said
    assert re.search("^node1/client1: wait: .* 3 after \\d s$", said, re.MULTILINE), said
    assert [alive(host) for host in hosts] == [set()] * 3
    assert [host.sessions() for host in hosts] == [["runner"]] * 3
    assert sessions_begun(lab.node1) - before <= 4 + 2


def test_kill_ends_the_wait(lab: Lab) -> None:
    prepare(lab, "add('one', wait=True, args=['one'])")
    with running(lab, "run") as fab:
        assert fab.stdout
        next(line for line in fab.stdout if line.startswith("wait"))  # before, the session is held
        eventually(lambda: alive(lab.node1) == {"one"}, "the program")
        lab.run("kill")
        said, _ = fab.communicate(timeout=10)
    assert fab.returncode == 1
    assert "node1/one" in said
    assert "Traceback" not in said


def test_start_removes_foreign_tickets(lab: Lab) -> None:
    """Such a window opens late, and starts nothing; nor does one for which another token has been written down."""
    prepare(lab, "add('one', args=['one'])")
    lab.run("screen")
    lab.run("sync")
    kept = lab.node1.state() / "one"
    kept.mkdir(exist_ok=True)
    (kept / "ticket").write_text("999999\n")
    lab.run("start")
    ticket = text(kept / "ticket").strip()
    assert ticket != "999999" and [path.name for path in kept.glob("begun.*")] == [f"begun.{ticket}"]
    late = lab.node1.run(f"sh {kept}/launcher 999999; sh {kept}/launcher {ticket}")
    assert late.count("another command has started it since") == 2


def test_start_waits_for_pending_window(lab: Lab) -> None:
    """It had a ticket, and has begun; its program is not there yet."""
    prepare(lab, "add('one', args=['one'])")
    lab.run("screen")
    lab.run("sync")
    (id_,) = ids(lab.node1)
    kept = lab.node1.state() / "one"
    kept.mkdir(exist_ok=True)
    (kept / "ticket").write_text("7\n")
    (kept / "begun.7").write_text(f"{id_}\n")
    about_to = ["sh", "-c", "sleep 3", f"{kept}/launcher"]
    with subprocess.Popen(about_to, env=lab.node1.environment | {"PATH": os.environ["PATH"]}) as window:
        lab.run("start")
        assert window.poll() is not None
    eventually(lambda: alive(lab.node1) == {"one"}, "the program, of another window")


@pytest.mark.parametrize("files", often([2_000], [10, 10_000]))
def test_channels_do_not_grow_with_files(lab: Lab, files: int) -> None:
    for number in range(files):
        lab.write(f"tree/{number % 10}/{number}", f"{number}\n")
    prepare(
        lab,
        "f = util.tree('tree', 'tree', links='keep', delete=True) | {'p': 'p'}\nfor i in (1, 2, 2):\n    add(f'c{id(object())}{len(list(config.all_components()))}',"
        " start_index=i, files=f, wait=True, args=['c', 'true'])\nadd('other', 'node2', 3, args=['o', 'true'])",
    )
    before = sessions_begun(lab.node1), sessions_begun(lab.node2)
    lab.run("run")
    assert sessions_begun(lab.node1) - before[0] <= 4 + 2
    assert sessions_begun(lab.node2) - before[1] <= 4 + 1
    assert len(list((lab.node1.home / "work/tree").rglob("*"))) == files + 10


def test_args_prefer_own_env(lab: Lab) -> None:
    lab.config(
        "for host in ('node1', 'localhost'):\n"
        "    config.add_component(Component(name='it', host=host, executable='/bin/sh', start_index=1, wait=True,\n"
        "        args=['-c', 'echo $HOME/$N >found; exit ${N}'], env={'N': 3, 'HOME': '$HOME/own'}, base_dir='~'))\n"
    )
    done = lab.fab("run", "-c", "cfg.py")
    assert done.returncode == 1
    for host, machine in (("node1", lab.node1), ("localhost", lab.here)):
        assert f"{host}/it: wait: ended with exit status 3" in done.stderr
        assert text(machine.home / "found") == f"{machine.home}/own/3\n"
