"""Muddlers with options of their own; wrap, pin, repeat, rehost and stagger; what installed packages bring."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fabfile.components.requirements import as_arguments
from fabfile.remote.script import Script, read_script
from rr_config import Component, ConfigError
from rr_config.muddlers.discovery import all_muddlers
from rr_config.testing import muddled
from rr_config.util import literal

from .configs import write
from .conftest import ROOT, Lab, text
from .test_kill_and_screen import is_alive
from .test_shell import AWKWARD

TWO = """
def add(name, host="node1", **more):
    config.add_component(Component(**{"name": name, "host": host, "executable": "bin/x", "start_index": 1} | more))

add("server", args=["a b"])
add("client", "node2", args=["%n", util.literal("$x"), "$y"], num_cores=2)
"""


def told(muddler: str, config: str = TWO, **options: str) -> dict[str, Component]:
    """The components of a config after a muddler, by name."""
    return {each.name: each for each in muddled(config, muddler, **options)}


def refusal(*muddlers: str, config: str = TWO, **options: str) -> str:
    with pytest.raises(ConfigError) as caught:
        muddled(config, *muddlers, **options)
    return str(caught.value)


# -- options


MINE = """
def add_arguments(parser):
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--word", required={required})

def muddle(config):
    for component in util.chosen(config, extra_options.only):
        component.meta["told"] = component.meta.get("told", []) + [extra_options.count, extra_options.word]
"""


def write_mine(folder: Path, name: str = "mine.py", required: bool = False) -> Path:
    return write(folder / name, MINE.format(required=required))


def test_options_come_from_extra_args_or_from_words_behind_the_name(tmp_path: Path) -> None:
    mine = write_mine(tmp_path)
    assert told(str(mine))["server"].meta == {"told": [1, None]}
    assert told(str(mine), extra_args="--count 3 --word 'a b'")["server"].meta == {"told": [3, "a b"]}
    assert told(f"{mine} --count=4 --word '\"$x'")["client"].meta == {"told": [4, '"$x']}


def test_several_muddlers_share_extra_args_but_for_those_with_words_of_their_own(tmp_path: Path) -> None:
    one, other = write_mine(tmp_path), write_mine(tmp_path, "other one.py")
    plain = write(tmp_path / "plain.py", "def muddle(config): assert extra_options is None\n")
    found = muddled(TWO, one, plain, f"'{other}' --count 5 --only server", f"{one} --word last", extra_args="--count 2")
    assert [each.meta["told"] for each in found] == [[2, None, 5, None, 1, "last"], [2, None, 1, "last"]]
    assert muddled(TWO, one, one, extra_args="--count 2")[0].meta["told"] == [2, None, 2, None]


def test_two_muddlers_with_one_option_want_words_of_their_own(tmp_path: Path) -> None:
    one, other = write_mine(tmp_path), write_mine(tmp_path, "other.py")
    said = refusal(str(one), str(other))
    assert said.startswith(
        "--muddler other: argument --count: conflicting option string: --count, of another muddler; "
    )


def test_path_with_spaces_is_a_path(tmp_path: Path) -> None:
    assert told(str(write_mine(tmp_path, "a folder/my own.py")))["server"].meta == {"told": [1, None]}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (" --cuont 3", "--muddler mine: unrecognized arguments: --cuont 3; `fab muddlers` shows the options of each"),
        (
            " --count x",
            "--muddler mine: argument --count: invalid int value: 'x'; `fab muddlers` shows the options of each",
        ),
        (" --only nobody", "--only: 'nobody' matches no component; there are node1/server, node2/client"),
        (" 'x", "--muddler MINE 'x: its options are no words of a shell: No closing quotation; name a muddler"),
    ],
)
def test_wrong_words_are_refused(tmp_path: Path, words: str, message: str) -> None:
    mine = write_mine(tmp_path)
    assert refusal(f"{mine}{words}").replace(str(mine), "MINE") == message


def test_what_an_arg_parser_makes_counts_and_else_the_defaults(tmp_path: Path) -> None:
    mine = write_mine(tmp_path)
    parser = write(tmp_path / "w.py", "def parse_args(extra_args, ssh_user): return {'with': 'nice'}\n")
    assert told("wrap", arg_parser=str(parser))["server"].args[0] == "nice"
    for made in ("{'count': 7, 'more': 1}", "types.SimpleNamespace(count=7)"):
        parser = write(tmp_path / "p.py", f"import types\ndef parse_args(extra_args, ssh_user): return {made}\n")
        assert told(str(mine), arg_parser=str(parser), extra_args="x")["server"].meta == {"told": [7, None]}
        assert told(f"{mine} --word w", arg_parser=str(parser))["server"].meta == {"told": [1, "w"]}


def test_muddler_without_options_takes_none(tmp_path: Path) -> None:
    plain = write(tmp_path / "plain.py", "def muddle(config): pass\n")
    assert refusal(f"{plain} --x 1") == "--muddler plain: has no options, but is given '--x 1'"
    assert refusal("", config=TWO) == "--muddler : is empty; name a muddler"
    mine = write_mine(tmp_path, required=True)
    assert "the following arguments are required: --word" in refusal(str(mine))


# -- wrap


SHOW = """#!/bin/sh
for arg; do printf '%s\\0' "$arg"; done >"$OUT"
"""


def run_there(component: Component, folder: Path, **environment: str) -> None:
    """Run what a launcher would, in `folder`, whose files are where they would be."""
    command = [component.executable, *component.args]
    subprocess.run(command, cwd=folder, check=True, env=os.environ | environment, timeout=20)


def test_wrapped_program_gets_its_arguments_unharmed_however_deep(tmp_path: Path) -> None:
    show = write(tmp_path / "bin/sh ow", SHOW)
    show.chmod(0o755)
    config = TWO + f"add('a', 'localhost', executable={str(show)!r}, args={list(AWKWARD)!r})\n"
    stack = [
        "wrap --with 'nice -n 1' --only a",
        "wrap --with 'env A={results}/x' --only a",
        "stagger --delay 0 --only a",
    ]
    stack += ["wrap --with 'timeout 20' --only a", "pin --only a", "wrap --with 'env B=\"{name} {host}\"' --only a"]
    (found,) = (each for each in muddled(config, *stack) if each.name == "a")
    run_there(found, tmp_path, OUT=str(tmp_path / "out"))
    assert os.fsdecode((tmp_path / "out").read_bytes()).split("\0")[:-1] == list(AWKWARD)
    assert found.needs == ["nice", "env", "timeout", "taskset"]
    assert (tmp_path / "wrap/a").is_dir() and found.results == ["wrap/a"]


def test_wrap_leaves_what_it_is_not_for_and_keeps_what_is_literal() -> None:
    found = told("wrap --with 'strace -o $HOME/t' --only client --needs perf,gdb")
    assert (found["server"].executable, found["server"].args) == ("bin/x", ["a b"])
    client = found["client"]
    assert (client.executable, client.args) == (
        "/usr/bin/env",
        ["strace", "-o", "$HOME/t", "./bin/x", "%n", "$x", "$y"],
    )
    assert [isinstance(arg, literal) for arg in client.args[-4:]] == [True, False, True, False]
    assert client.needs == ["strace", "perf", "gdb"]


def test_copies_of_what_is_wrapped_have_a_folder_each() -> None:
    found = told("wrap --with 'strace -o {results}/trace' --only client")
    assert found["client"].results == ["wrap/client"]
    copies = muddled(
        TWO, "wrap --with 'strace -o {results}/trace' --only client", "repeat --copies 2", "repeat --copies 2"
    )
    assert [each.results for each in copies if each.results][1:3] == [["wrap/client-1-2"], ["wrap/client-2-1"]]
    assert "wrap/client-2-1/trace" in copies[-2].args


@pytest.mark.parametrize("name", ["a/b", "..", "a b", "$x", "'", "\u3042" * 60])
def test_folder_of_results_is_one_of_its_own_whatever_the_name(tmp_path: Path, name: str) -> None:
    config = TWO + f"add({name!r}, 'localhost', executable='/bin/true')\n"
    found = told("wrap --with 'env A={results}' --needs x --only localhost", config)[name]
    run_there(found, tmp_path)
    (folder,) = found.results
    assert (tmp_path / folder).is_dir() and len(Path(folder).parts) == 2


@pytest.mark.parametrize(("words", "said"), [("", "wrap --with: is None"), (" --with ''", "wrap --with: is ''")])
def test_wrap_without_a_command_is_refused(words: str, said: str) -> None:
    assert refusal(f"wrap{words}") == f"{said}; it must be a command"


def test_program_in_a_home_is_told_by_a_variable_and_one_of_another_user_is_refused() -> None:
    config = TWO + "add('a', executable='~/bin/x')\n"
    assert told("wrap --with nice", config)["a"].args == ["nice", "$HOME/bin/x"]
    said = refusal("wrap --with nice", config=config.replace("~/bin", "~other/bin"))
    assert said == "node1/a.executable: ~other/bin/x: cannot be told to a program; give a full path"


# -- pin, repeat, stagger


def test_pin_gives_each_its_own_cores_in_order(tmp_path: Path) -> None:
    config = TWO + "add('b', num_cores=3)\n"
    found = told("pin", config)
    assert [found[name].args[:2] for name in ("server", "client", "b")] == [
        ["taskset", "0x1"],
        ["taskset", "0x3"],
        ["taskset", "0xe"],
    ]
    info = write(tmp_path / "hosts.txt", "node1 8 m y\nnode2 2 m n\n")
    found = told(f"pin --host-info {info} --numactl --first 1 --only node1", config)
    assert found["b"].args[:3] == ["numactl", "--physcpubind=4,5,6,7,8,9", "--localalloc"]
    found = told(f"pin --host-info {info} --pairs apart --only node1", config)
    assert (found["server"].args[1], found["b"].args[1]) == ("0x101", "0xe0e")
    said = refusal(f"pin --host-info {info} --first 1", config=config)
    assert said == "node2: has 2 cores, of which 1 are free, and client wants 2: 1 too many"
    said = refusal(f"pin --host-info {info}", config=config + "add('c', 'node3')\n")
    assert said.startswith("node3/c.host: is not among the hosts of --host-info ")
    assert refusal("pin", config=config + "add('c', num_cores=0)\n") == "node1/c.num_cores: is 0; pin needs 1 or more"


def test_cores_that_one_pin_has_given_out_are_not_those_of_another(tmp_path: Path) -> None:
    info = write(tmp_path / "hosts.txt", "node1 8 m n\nnode2 8 m y\n")
    for more in ("", f" --host-info {info}"):
        found = muddled(TWO + "add('b', 'me@node1:22')\n", f"pin --only server{more}", f"pin --only !server{more}")
        masks = {each.name: each.args[1] for each in found}
        assert masks == {"server": "0x1", "client": "0xf" if more else "0x3", "b": "0x2"}


def test_repeat_numbers_all_texts() -> None:
    config = """
config.add_component(Component(name="c%n", host="h", executable="x%n", args=["%n", util.literal("%n$a"), 3], start_index=1,
    base_dir="/b%n", env={"N": "n%n"}, results=["r%n"], files={"f": "f%n"}, meta={"m": 1}))
config.add_component(Component(name="d", host="h%n", executable="x", start_index=1, ready=util.log("n%n"), needs=["t%n"]))
"""
    found = told("repeat --copies 2 --from 9 --only c*", config)
    assert list(found) == ["c9", "c10", "d"]
    ten = found["c10"]
    assert (ten.executable, ten.args, ten.env, ten.results) == ("/b10/x10", ["10", "10$a", "3"], {"N": "n10"}, ["r10"])
    assert [type(arg) for arg in ten.args] == [str, literal, str]
    assert list(ten.files.values()) == ["/b10/f10"]
    assert ten.meta == {"m": 1, "copy_of": ["c%n", "h/c%n"]}
    found = told("repeat --copies 2 --only d", config)
    assert list(found) == ["c%n", "d-1", "d-2"]
    two = found["d-2"]
    assert (two.host, two.needs, two.ready and two.ready.value) == ("h2", ["t2"], "n2")
    assert refusal("repeat --copies 0") == "repeat --copies: is 0; it must be 1 or more"


def test_copies_are_named_by_what_names_the_component() -> None:
    found = muddled(TWO, "repeat --copies 2", "repeat --copies 2 --only client-1", "pin --only client")
    assert [each.name for each in found] == ["server-1", "server-2", "client-1-1", "client-1-2", "client-2"]
    assert ["taskset" in each.args for each in found] == [False, False, True, True, True]
    found = muddled(TWO, "repeat --copies 2", "wrap --with nice --only node2/client")
    assert ["nice" in each.args for each in found] == [False, False, True, True]


def test_what_is_pinned_shares_no_core_afterwards() -> None:
    said = refusal("pin", "repeat --copies 2")
    assert said == "node1/server: is pinned, and so would all its copies be; put pin behind repeat"
    said = refusal("pin", "rehost --hosts x")
    assert said == "x/client: is pinned to a core that another one has; put pin behind rehost"
    assert [each.host for each in muddled(TWO, "pin", "rehost --hosts x,y")] == ["x", "y"]


def test_stagger_delays_by_start_index_and_gives_ready_more_time() -> None:
    config = TWO + "add('b', ready=util.port(80, timeout=5))\nadd('c', start_index=2)\n"
    found = told("stagger --delay 1.5", config)
    waits = {name: each.args[3] if each.args[:1] == ["-c"] else None for name, each in found.items()}
    assert waits == {"server": None, "client": "1.500", "b": "3.000", "c": None}
    assert found["b"].ready and found["b"].ready.timeout == 8
    assert refusal("stagger --delay nan") == "stagger --delay: is nan; it must be a number of seconds, from 0 on"


def test_dollar_in_a_name_is_no_variable() -> None:
    (found,) = muddled(TWO.replace('"server"', '"s$HOME"'), "wrap --with 'env N={name} H=$HOME' --only 's*'")[:1]
    named, home = found.args[1:3]
    assert (named, home) == ("N=s$HOME", "H=$HOME")
    assert [isinstance(word, literal) for word in (named, home)] == [True, False]


# -- rehost


def test_rehost_takes_hosts_one_for_another_or_spreads() -> None:
    config = TWO + "add('client')\nadd('d', 'node3')\n"
    at = {name: each.host for name, each in told("rehost --hosts x,y", config).items()}
    assert at == {"server": "x", "client-node2": "y", "client": "x", "d": "x"} or at == {
        "server": "x",
        "client": "x",
        "d": "x",
    }
    found = muddled(config, "rehost --hosts x,y --spread")
    assert [(each.name, each.host) for each in found] == [
        ("server", "x"),
        ("client", "y"),
        ("client", "x"),
        ("d", "y"),
    ]
    found = muddled(config, "rehost --hosts x")
    assert [each.name for each in found] == ["server", "client-node2", "client-node1", "d"]
    assert refusal("rehost --hosts ,") == "rehost --hosts: is ','; it must name a host, or several"


def test_program_of_localhost_is_brought_to_another_host() -> None:
    config = TWO + "add('a', 'localhost', executable='tools/a')\n"
    found = told("rehost --hosts node7 --only a", config)["a"]
    assert found.executable == "a" and list(found.files.values()) == ["a"]
    assert next(iter(found.files)).endswith("/tools/a")
    for wrap in ("wrap --with nice", "wrap --with 'env A={results}'", "stagger --delay 1"):
        both = muddled(
            config + "add('b', 'localhost', executable='tools/a')\n", wrap, "rehost --hosts node7 --only localhost"
        )
        moved = both[-1]
        assert [path.rpartition("/")[2] for path in moved.files] == ["a"]
        assert "./a" in moved.args and not any(str(arg).endswith("/tools/a") for arg in moved.args)


def test_whole_config_runs_on_localhost_with_its_files(lab: Lab) -> None:
    lab.write("show", '#!/bin/sh\nOUT=args; for a; do printf "%s|" "$a"; done >"$OUT"; cat data/f it >>"$OUT"\n', 0o755)
    lab.write("data/f", "of the folder ")
    lab.write("it", "the file")
    lab.write("a=b", "#!/bin/sh\nexit 0\n", 0o755)
    lab.config(
        "config.add_component(Component(name='d', host='node3', executable='a=b', files={'a=b': 'a=b'}, start_index=1, wait=True))\n"
        "for host in ('node1', 'node2'):\n    config.add_component(Component(name='c', host=host, start_index=1, wait=True,\n"
        "        base_dir='work/' + host, executable='bin/show', args=['a b', '', util.literal('$HOME')],\n"
        "        files={'show': 'bin/', 'data': 'data', 'it': './it', util.os.path.abspath('it'): '~/elsewhere/it'}))\n"
    )
    lab.run("run", "--muddler", "rehost --hosts localhost")
    for host in ("node1", "node2"):
        assert text(lab.here.home / "work" / host / "args") == "a b||$HOME|of the folder the file"
    assert text(lab.here.home / "elsewhere/it") == "the file"


# -- on hosts


def test_repeat_pin_and_wrap_on_one_config(lab: Lab) -> None:
    lab.write("show", f'{SHOW.replace("$OUT", "args.$N")}taskset -p $$ >>"pin.$N"; ps -o ni= -p $$ >>"pin.$N"\n', 0o755)
    lab.config(
        "config.add_component(Component(name='c', host='node1', start_index=1, wait=True, base_dir='~/w',\n"
        f"    executable='show', env={{'N': '%n'}}, args=['%n', *{list(AWKWARD)!r}], files={{'show': 'show'}}))\n"
        "config.add_component(Component(name='other', host='node2', start_index=1, wait=True, executable='/bin/true'))\n"
    )
    stack = ["--muddler", "repeat", "--muddler", "pin", "--muddler", "wrap"]
    told = ["--extra-args", "--copies 2 --only c --with 'nice -n 5'"]
    lab.run("run", *stack, *told)
    for number, mask in ((1, "1"), (2, "2")):
        args = os.fsdecode((lab.node1.home / f"w/args.{number}").read_bytes()).split("\0")[:-1]
        assert args == [str(number), *AWKWARD]
        pinned = text(lab.node1.home / f"w/pin.{number}")
        assert re.fullmatch(rf"pid \d+'s current affinity mask: {mask}\n +5\n", pinned), pinned
    assert lab.node2.run("true") == ""


def test_what_wrap_leaves_behind_is_collected(lab: Lab) -> None:
    lab.config(
        "config.add_component(Component(name='c', host='node1', start_index=1, wait=True, executable='/bin/true'))\n"
    )
    wrap = 'wrap --with \'sh -c "echo trace >$0/trace; exec \\"$@\\"" {results}\''
    lab.run("run", "--collect", "--muddler", wrap)
    (trace,) = (lab.folder / "results").rglob("trace")
    assert trace.read_text() == "trace\n"


def test_staggered_programs_begin_one_after_the_other(lab: Lab) -> None:
    lab.config(
        "for n in range(3):\n    config.add_component(Component(name=f'c{n}', host='node1', start_index=1, wait=True,"
        " executable='/bin/sh', args=['-c', f'date +%s.%N >$HOME/began.{n}']))\n"
    )
    lab.run("run", "--muddler", "stagger", "--extra-args", "--delay 0.6")
    began = [float(text(lab.node1.home / f"began.{n}")) for n in range(3)]
    assert began[1] - began[0] > 0.4 and began[2] - began[1] > 0.4


# -- programs that are needed


NEEDY = """
for name, host, index, needs in (("first", "node1", 1, []), ("second", "node2", 2, ["no-such-tool", "sh"])):
    config.add_component(Component(name=name, host=host, executable="/bin/sleep", args=["1000"], start_index=index,
                                   needs=needs))
"""


@pytest.mark.parametrize("command", ["run", "start", "restart"])
def test_program_that_a_host_lacks_is_named_before_anything_is_started(lab: Lab, command: str) -> None:
    lab.config(NEEDY.replace("no-such-tool", "sh"))
    lab.run("run")
    before = int(text(lab.node1.state() / "first/pid"))
    lab.config(NEEDY)
    done = lab.fab(command, "-c", "cfg.py")
    stage = "kill" if command == "run" else "needs"
    assert done.returncode == 1
    words = "not installed: no-such-tool (needed by second); install there what is missing, or do without"
    assert done.stderr.splitlines()[0] == f"node2: {stage}: {words}"
    assert "start" not in done.stdout.replace("restart", "")
    if command != "run":
        assert is_alive(before), "nor is anything stopped"


@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_needed_is_a_program_that_can_be_run_and_no_word_of_a_shell(sh: str, tmp_path: Path) -> None:
    write(tmp_path / "plain", "").chmod(0o644)
    write(tmp_path / "own tool", "").chmod(0o755)
    folder = str(tmp_path)
    for name, is_there in (
        *((name, False) for name in ("if", "fail", "finds", "export", f"{folder}/plain", "plain", folder, "*", "")),
        *((name, True) for name in ("sh", "/bin/sh", f"{folder}/own tool", "own tool")),
    ):
        header = Script("", {}, as_arguments([Component(name="c", needs=[name])])).header()
        functions = f"fail() {{ echo lacks; exit; }}\n{read_script('requirements.sh')}"
        script = f'{header}\n{functions}check_requirements "$@"\n'
        done = subprocess.run([sh, "-c", script], env={"PATH": f"{folder}:{os.environ['PATH']}"}, capture_output=True)
        assert (done.stdout, done.stderr) == (b"" if is_there else b"lacks\n", b""), name


@pytest.mark.parametrize("needs", [["bin/x"], ["~/x"], [""], "sh", [3], ["a\0"]])
def test_needs_that_are_no_programs_are_refused(needs: object) -> None:
    said = refusal(config=TWO + f"add('a', needs={needs!r})\n")
    assert said.startswith("node1/a.needs: is ")


def test_wrap_by_a_program_that_is_not_there_starts_nothing(lab: Lab) -> None:
    lab.config(NEEDY.replace("no-such-tool", "sh"))
    done = lab.fab("run", "-c", "cfg.py", "-m", "wrap --with 'no-such-tracer -f' --only second")
    assert done.returncode == 1
    assert "node2: kill: not installed: no-such-tracer (needed by second); " in done.stderr
    assert not lab.node1.sessions() and not lab.node2.sessions()


def test_doctor_names_what_components_need(lab: Lab) -> None:
    lab.config(NEEDY)
    done = lab.fab("doctor", "--json", "-c", "cfg.py")
    assert done.returncode == 1
    checks = {(each["host"], each["check"]): each["verdict"] for each in json.loads(done.stdout)}
    assert checks["node2", "no-such-tool"] == "problem" and checks["node2", "sh"] == "ok"
    assert ("node1", "no-such-tool") not in checks


# -- installed packages


def test_muddler_of_an_installed_package_is_found_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    site = tmp_path / "site"
    write(site / "lab_tools/__init__.py", "")
    write(site / "lab_tools/helper.py", "WORD = 'helped'\n")
    own = 'from .helper import WORD\ndef muddle(config):\n    """Ours."""\n    config.all_components()[0].meta["x"] = WORD\n'
    write(site / "lab_tools/ours.py", own)
    info = site / "lab_tools-1.dist-info"
    write(info / "METADATA", "Metadata-Version: 2.1\nName: lab-tools\nVersion: 1\n")
    points = "[remote_runner.muddlers]\nlab = lab_tools.ours\nwrap = lab_tools.ours\nbroken = lab_tools.gone\n"
    write(info / "entry_points.txt", points)
    monkeypatch.syspath_prepend(str(site))
    try:
        assert told("lab")["server"].meta == {"x": "helped"}
        found = {each.name: each for each in reversed(all_muddlers(tmp_path))}
        assert (found["lab"].summary, found["lab"].path) == ("Ours.", site / "lab_tools/ours.py")
        assert found["broken"].summary.startswith("(cannot be loaded: ")
        assert found["wrap"].path == ROOT / "muddlers/wrap.py", "the project's own comes first"
        assert "lab_tools.gone" in refusal("broken")
    finally:
        for name in [name for name in sys.modules if name.partition(".")[0] == "lab_tools"]:
            del sys.modules[name]


def test_diff_shows_what_muddlers_have_changed(lab: Lab) -> None:
    lab.config(TWO)
    diff = lab.run("config", "--diff", "--muddler", "wrap --with nice --only server").stdout
    for line in ("-        executable='bin/x',", "+        executable='/usr/bin/env',", "+        needs=['nice'],"):
        assert line in diff.splitlines()
    assert "'node2'" not in diff


def test_what_the_page_about_muddlers_shows_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    muddler, test = re.findall(r"```python\n(.*?)```", (ROOT / "docs/muddlers.md").read_text(), re.DOTALL)
    write(tmp_path / "muddlers/flag.py", muddler)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(test, names)  # noqa: S102 - our own page
    names["test_server_gets_the_flag"]()
