"""Test muddlers on real hosts."""

import os
import re

from tests.support.awkward import AWKWARD
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.muddled_configs import SHOW, TWO


def test_repeat_pin_and_wrap_combine(lab: Lab) -> None:
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
        assert re.fullmatch(rf"pid \d+'s current affinity mask: {mask}\n +{min(os.nice(0) + 5, 19)}\n", pinned), pinned
    assert lab.node2.run("true") == ""


def test_wrapper_results_are_collected(lab: Lab) -> None:
    lab.config(
        "config.add_component(Component(name='c', host='node1', start_index=1, wait=True, executable='/bin/true'))\n"
    )
    wrap = 'wrap --with \'sh -c "echo trace >$0/trace; exec \\"$@\\"" {results}\''
    lab.run("run", "--collect", "--muddler", wrap)
    (trace,) = (lab.folder / "results").rglob("trace")
    assert trace.read_text() == "trace\n"


def test_stagger_delays_programs(lab: Lab) -> None:
    lab.config(
        "for n in range(3):\n    config.add_component(Component(name=f'c{n}', host='node1', start_index=1, wait=True,"
        " executable='/bin/sh', args=['-c', f'date +%s.%N >$HOME/began.{n}']))\n"
    )
    lab.run("run", "--muddler", "stagger", "--extra-args", "--delay 0.6")
    began = [float(text(lab.node1.home / f"began.{n}")) for n in range(3)]
    assert began[1] - began[0] > 0.4 and began[2] - began[1] > 0.4


# -- installed packages


def test_diff_shows_muddler_changes(lab: Lab) -> None:
    lab.config(TWO)
    diff = lab.run("config", "--diff", "--muddler", "wrap --with nice --only server").stdout
    for line in ("-        executable='bin/x',", "+        executable='/usr/bin/env',", "+        needs=['nice'],"):
        assert line in diff.splitlines()
    assert "'node2'" not in diff


def test_rehost_runs_all_on_localhost(lab: Lab) -> None:
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
