"""Parameters: `util.params` declares them, and `--set` or `Options(params=...)` sets them."""

import copy
import math
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from rr_config import ConfigError, Options, util
from rr_config.command_line.parameters import Parameters, as_params, as_texts
from rr_config.loading import declared_parameters, evaluated
from rr_config.testing import muddled
from tests.support.checkout import ROOT
from tests.support.configs import COMPLETE, loaded, refused, write

FOUR = f"params = util.params(clients=4, mode='slow', rate=0.5, debug=False)\n{COMPLETE}"
DECLARED = "declared: clients (int, default 4), mode (str, default 'slow'), rate (float, default 0.5), debug (bool, default false)"
MUDDLE = "def muddle(config): pass\n"


def values(folder: Path, text: str = FOUR, **options: Any) -> dict[str, object]:
    """Return the values of the parameters of a config."""
    return dict(loaded(folder, text, **options).parameters)


# -- values


def test_defaults_are_values(tmp_path: Path) -> None:
    assert values(tmp_path) == {"clients": 4, "mode": "slow", "rate": 0.5, "debug": False}
    assert loaded(tmp_path, COMPLETE).parameters == {}


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("clients=8", "clients", 8),
        ("clients=-8", "clients", -8),
        ("clients=+08", "clients", 8),
        ("mode=fast", "mode", "fast"),
        ("mode=", "mode", ""),
        ("mode=a=b c", "mode", "a=b c"),
        ("mode=true", "mode", "true"),
        ("rate=1e3", "rate", 1000.0),
        ("rate=-.5", "rate", -0.5),
        ("rate=8", "rate", 8.0),
        ("debug=true", "debug", True),
        ("debug=false", "debug", False),
    ],
)
def test_text_becomes_its_type(tmp_path: Path, text: str, name: str, expected: object) -> None:
    found = values(tmp_path, params=[text])[name]
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"clients": 8}, 8),
        ({"mode": "8"}, "8"),
        ({"mode": ""}, ""),
        ({"rate": 8}, 8.0),
        ({"rate": -1.5}, -1.5),
        ({"debug": True}, True),
    ],
)
def test_python_value_is_used(tmp_path: Path, given: dict[str, object], expected: object) -> None:
    (name,) = given
    found = values(tmp_path, params=given)[name]
    assert (type(found), found) == (type(expected), expected)


def test_last_text_wins(tmp_path: Path) -> None:
    assert values(tmp_path, params=["clients=x", "clients=7", "clients=8"])["clients"] == 8


def test_texts_give_the_same_values() -> None:
    given = {"a": True, "b": -2, "c": "x=y", "d": 1e300, "e": ""}
    texts = as_texts(given)
    assert texts == ["a=true", "b=-2", "c=x=y", "d=1e+300", "e="]
    assert as_texts(as_params(texts)) == texts


def test_values_are_attributes_and_keys(tmp_path: Path) -> None:
    text = "p = util.params(keys=1, x='a')\nassert (p.keys, p['keys'], p.x, vars(p)) == (1, 1, 'a', {'keys': 1, 'x': 'a'})\n"
    assert values(tmp_path, text + COMPLETE) == {"keys": 1, "x": "a"}
    found = util.params(x=1)
    assert vars(copy.deepcopy(found)) == {"x": 1}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("p.clinets", "AttributeError: unknown parameter 'clinets'; this call of util.params declares clients"),
        ("p['clinets']", "KeyError: \"unknown parameter 'clinets'; this call of util.params declares clients\""),
        ("p.clients = 3", "AttributeError: params.clients: read-only; "),
    ],
)
def test_misuse_of_params_has_its_line(tmp_path: Path, line: str, message: str) -> None:
    said = refused(tmp_path, f"p = util.params(clients=4)\n{line}\n")
    assert said.startswith(f"FOLDER/cfg.py:2: {message}")
    assert "rr_config" not in said


# -- mistakes in given values


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["clients=x"], "--set clients=x: must be a whole number, for example 8 or -8"),
        (["clients="], "--set clients=: must be a whole number, for example 8 or -8"),
        (["clients=1e3"], "--set clients=1e3: must be a whole number, for example 8 or -8"),
        (["clients=1_0"], "--set clients=1_0: must be a whole number, for example 8 or -8"),
        (["clients=8.0"], "--set clients=8.0: must be a whole number, for example 8 or -8"),
        (["rate=nan"], "--set rate=nan: must be a finite number, for example 0.5, -8 or 1e3"),
        (["rate=1e999"], "--set rate=1e999: must be a finite number, for example 0.5, -8 or 1e3"),
        (["debug=1"], "--set debug=1: must be true or false"),
        (["debug=True"], "--set debug=True: must be true or false"),
        (["debug"], "--set debug: missing value; must be NAME=VALUE"),
        (["cleints=8"], "--set cleints=8: unknown parameter (did you mean clients?)"),
        (["=8"], "--set =8: unknown parameter"),
        (["zzz=8"], "--set zzz=8: unknown parameter"),
        ({"clients": True}, "--set clients=True (bool): must be an int"),
        ({"clients": "8"}, "--set clients='8' (str): must be an int"),
        ({"clients": 8.0}, "--set clients=8.0 (float): must be an int"),
        ({"rate": True}, "--set rate=True (bool): must be a finite float or int"),
        ({"rate": math.inf}, "--set rate=inf (float): must be a finite float or int"),
        ({"rate": 10**400}, f"--set rate={10**400} (int): must be a finite float or int"),
        ({"debug": 1}, "--set debug=1 (int): must be True or False"),
        ({"mode": 8}, "--set mode=8 (int): must be a str"),
        ({"mode": None}, "--set mode: missing value; must be NAME=VALUE"),
        ({"zzz": True}, "--set zzz=true: unknown parameter"),
    ],
)
def test_invalid_value_is_refused(tmp_path: Path, given: Any, message: str) -> None:
    assert refused(tmp_path, FOUR, params=given) == f"{message}; {DECLARED}"


def test_long_number_is_refused(tmp_path: Path) -> None:
    assert "must be a whole number" in refused(tmp_path, FOUR, params=["clients=" + "9" * 5000])


def test_all_invalid_values_are_reported(tmp_path: Path) -> None:
    lines = refused(tmp_path, FOUR, params=["clients=x", "debug=1", "zzz=2"]).splitlines()
    assert lines == [
        "--set clients=x: must be a whole number, for example 8 or -8",
        "--set debug=1: must be true or false",
        f"--set zzz=2: unknown parameter; {DECLARED}",
    ]


def test_undeclared_config_refuses_values(tmp_path: Path) -> None:
    hint = "no parameter is declared; declare one with util.params(NAME=DEFAULT)"
    assert refused(tmp_path, params=["x=1"]) == f"--set x=1: unknown parameter; {hint}"


# -- mistakes in declarations


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ("x=None", "invalid default None (NoneType) of the parameter x; must be a str, int, float or bool"),
        ("x=[1]", "invalid default [1] (list) of the parameter x; must be a str, int, float or bool"),
        ("x=util.literal('a')", "invalid default 'a' (literal) of the parameter x; must be a str, int, float or bool"),
        ("x=float('nan')", "invalid default nan of the parameter x; must be a finite number"),
        ("**{'a-b': 1}", "invalid parameter name 'a-b'; must be a Python name, without __ in front"),
        ("**{'class': 1}", "invalid parameter name 'class'; must be a Python name, without __ in front"),
        ("__class__=1", "invalid parameter name '__class__'; must be a Python name, without __ in front"),
    ],
)
def test_invalid_declaration_has_its_line(tmp_path: Path, call: str, message: str) -> None:
    assert refused(tmp_path, f"x = 1\nutil.params({call})\n") == f"FOLDER/cfg.py:2: {message}"


@pytest.mark.parametrize(("default", "shown"), [("8", "(int, default 8)"), ("4.0", "(float, default 4.0)")])
def test_conflict_names_both_places(tmp_path: Path, default: str, shown: str) -> None:
    muddler = write(tmp_path / "m.py", f"def muddle(config):\n    util.params(x={default})\n")
    message = refused(tmp_path, f"util.params(x=4)\n{COMPLETE}", muddler=[str(muddler)])
    assert message == (
        f"FOLDER/m.py:2: conflicting parameters x {shown} and x (int, default 4) of FOLDER/cfg.py:1; use one default"
    )


def test_bool_and_int_conflict(tmp_path: Path) -> None:
    assert "conflicting parameters x (bool, default true) and x (int" in refused(
        tmp_path, "util.params(x=1)\nutil.params(x=True)\n"
    )


# -- several files


USE = "def muddle(config):\n    config.all_components()[0].args = [str(util.params(clients=4).clients), PLACE.copies]\n"


@pytest.mark.parametrize("text", [f"params = util.params(copies=1)\n{USE.replace('PLACE', 'params')}",
                                  USE.replace("PLACE", "util.params(copies=1)"),
                                  f"from rr_config import util\n{USE.replace('PLACE', 'util.params(copies=1)')}",
                                  f"import beside\n{USE.replace('PLACE', 'beside.params')}"])  # fmt: skip
def test_muddler_shares_parameters(tmp_path: Path, text: str) -> None:
    write(tmp_path / "beside.py", "from rr_config import util\nparams = util.params(copies=1)\n")
    muddler = str(write(tmp_path / "m.py", text))
    options = {"muddler": [muddler, muddler], "params": ["copies=3", "clients=8"]}
    config = loaded(tmp_path, f"util.params(clients=4)\nutil.params(clients=4, other='')\n{COMPLETE}", **options)
    assert config.parameters == {"clients": 8, "copies": 3, "other": ""}
    assert config.all_components()[0].args == ["8", "3"]
    assert "--set copies=3: unknown parameter" in refused(tmp_path, FOUR, params=["copies=3"])


def test_helper_module_and_arg_parser_declare(tmp_path: Path) -> None:
    write(tmp_path / "beside.py", "from rr_config.util import params\nclients = params(clients=4).clients\n")
    text = f"import beside\nassert beside.clients == extra_options == CLIENTS\n{COMPLETE}"
    parser = write(
        tmp_path / "p.py", "from rr_config import util\ndef parse_args(a, b): return util.params(clients=4).clients\n"
    )
    for given in (8, 9):
        options = {"arg_parser": str(parser), "params": {"clients": given}}
        assert values(tmp_path, text.replace("CLIENTS", str(given)), **options) == {"clients": given}


def test_muddled_accepts_params(tmp_path: Path) -> None:
    text = COMPLETE.replace("name=", "args=[util.params(x=1).x], name=")
    assert muddled(text, params={"x": 5})[0].args == ["5"]


def test_limit_keeps_parameters(tmp_path: Path) -> None:
    assert loaded(tmp_path, FOUR, limit="a", params=["mode=x"]).parameters["mode"] == "x"


def test_completion_learns_declarations(tmp_path: Path) -> None:
    options = Options(config_file=str(write(tmp_path / "cfg.py", FOUR)), params=["clients=x", "zzz"])  # type: ignore[arg-type]
    assert [each.name for each in declared_parameters(options)] == ["clients", "mode", "rate", "debug"]


# -- separate loads


def test_without_load_defaults_count(tmp_path: Path) -> None:
    loaded(tmp_path, FOUR, params=["clients=8"])
    assert util.params(clients=5).clients == 5
    with pytest.raises(ConfigError, match=r"test_parameters\.py:\d+: invalid default None"):
        util.params(clients=None)  # type: ignore[arg-type]


def test_paused_load_is_not_active(tmp_path: Path) -> None:
    muddler = str(write(tmp_path / "m.py", MUDDLE))
    path = str(write(tmp_path / "cfg.py", FOUR))
    for _ in evaluated(Options(config_file=path, muddler=[muddler], params={"clients": 8})):
        assert util.params(clients=5).clients == 5


def test_failed_load_is_not_active(tmp_path: Path) -> None:
    refused(tmp_path, "util.params(clients=4)\n1 / 0\n", params=["clients=8"])
    assert util.params(clients=5).clients == 5


def test_load_within_config_has_own_parameters(tmp_path: Path) -> None:
    inner = write(tmp_path / "inner.py", f"assert util.params(clients=1, x=2).clients == 3\n{COMPLETE}")
    text = (
        "from rr_config import Options, load\n"
        f"load(Options(config_file={str(inner)!r}, params={{'clients': 3}}))\n"
        f"assert util.params(clients=4).clients == 8\n{COMPLETE}"
    )
    assert values(tmp_path, text, params=["clients=8"]) == {"clients": 8}


def test_threads_share_no_parameters() -> None:
    both_are_active = Barrier(2, timeout=20)

    def declared(clients: int) -> object:
        with Parameters({"clients": clients}).active():
            both_are_active.wait()
            return util.params(clients=4).clients

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(declared, (7, 8))) == [7, 8]


def test_documented_config_and_parser_work(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "docs/config.md").read_text(), re.DOTALL)
    (config,) = [block for block in blocks if "util.params(" in block]
    (parser,) = [block for block in blocks if "def parse_args" in block]
    options = {
        "params": ["clients=2"],
        "extra_args": "--clients 3",
        "arg_parser": str(write(tmp_path / "p.py", parser)),
    }
    (tmp_path / "client.py").touch(0o755)
    components = loaded(tmp_path, f"assert extra_options.clients == 3\n{config}", **options).all_components()
    assert [each.name for each in components] == ["client-0", "client-1"]
