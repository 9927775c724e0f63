"""`--set` on real hosts: programs get the values, `run.json` keeps them, and printed commands repeat them."""

import json
from pathlib import Path
from typing import Any

from tests.support.checkout import ROOT
from tests.support.collections import collections_in
from tests.support.lab import Lab
from tests.support.outcomes import timeless

CONFIG = """
params = util.params(clients=2, mode="slow", debug=False)
config.add_component(Component(name="one", host="node1", executable="/bin/sh", start_index=1, wait=True,
    args=["-c", 'echo "$@"; exit 3', "sh", params.clients, params.mode, "debugged" if params.debug else ""]))
"""
MUDDLER = """
def muddle(config):
    config.all_components()[0].args += [util.params(rate=0.5, clients=2).rate]
"""
SET = ("--set", "clients=8", "--set", "mode=x", "--set", "mode=a b=c", "--set", "debug=true")
EXPECTED = {"clients": 8, "mode": "a b=c", "debug": True, "rate": 0.5}


def newest_run(lab: Lab) -> tuple[Path, dict[str, Any]]:
    """Return the newest collection and its `run.json`."""
    folder = max(collections_in(lab.folder / "results"))
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return folder, found


def test_parameters_are_kept_and_repeated(lab: Lab) -> None:
    lab.config(CONFIG)
    muddler = lab.write("m.py", MUDDLER)
    words = ("-c", "cfg.py", "-m", str(muddler))
    done = lab.fab("run", "--collect", *words, *SET)
    line = (
        f"fab -r {ROOT} run --no-kill --config {lab.folder}/cfg.py --muddler {muddler}"
        f" --set clients=8 --set 'mode=a b=c' --set debug=true --collect -S {lab.farm.ssh_config}"
    )
    failure = "node1/one: wait: ended with exit status 3\n"
    assert (done.returncode, timeless(done.stderr)) == (1, f"{failure}repeat with: {line}\n")
    folder, run = newest_run(lab)
    assert (folder / "node1/one/output").read_text().startswith("8 a b=c debugged 0.5\n")
    assert run["parameters"] == run["runs"][0]["parameters"] == EXPECTED
    assert run["options"]["params"] == {"clients": "8", "mode": "a b=c", "debug": "true"}
    assert lab.fab("report", "--from", folder).returncode == 0

    lab.fab("collect", *words)
    _, run = newest_run(lab)
    assert run["parameters"] == {"clients": 2, "mode": "slow", "debug": False, "rate": 0.5}
    assert run["runs"][0]["parameters"] == EXPECTED, "the values of the command that started the component"


def test_invalid_value_touches_no_host(lab: Lab) -> None:
    lab.config(CONFIG)
    muddler = lab.write("m.py", MUDDLER)
    done = lab.fab("run", "-c", "cfg.py", "-m", muddler, "--set", "clinets=8", "--set", "debug=1")
    declared = (
        "clients (int, default 2), mode (str, default 'slow'), debug (bool, default false), rate (float, default 0.5)"
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        2,
        "",
        "--set clinets=8: unknown parameter (did you mean clients?)\n"
        f"--set debug=1: must be true or false; declared: {declared}\n",
    )


def test_settings_file_sets_parameters(lab: Lab) -> None:
    lab.config(CONFIG)
    lab.write("own.yaml", "remote_runner:\n  config: cfg.py\n  set:\n    clients: 5\n    debug: yes\n    mode: x\n")
    shown = "# parameters: clients={}, mode={!r}, debug={}\n"
    assert lab.fab("-f", "own.yaml", "config").stdout.startswith(shown.format(5, "x", True))
    assert lab.fab("-f", "own.yaml", "config", "--set", "mode=y").stdout.startswith(shown.format(2, "y", False))
