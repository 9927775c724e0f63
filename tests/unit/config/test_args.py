"""`args`: which values a config file may assign, and what becomes of them."""

from pathlib import Path

import pytest

from rr_config import Component, Config
from rr_config.util import literal
from tests.support.configs import COMPLETE, complete, component_of, loaded, refused, write


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("[8080, 2.5, None, True, 'x']", ["8080", "2.5", "None", "True", "x"]),
        ("{7}", ["7"]),
        ("map(str, (1, 2))", ["1", "2"]),
        ("(n for n in (1, None))", ["1", "None"]),
        ("range(2)", ["0", "1"]),
        ("{'a': 1}.keys()", ["a"]),
        ("iter(('a', 1 + 2j))", ["a", "(1+2j)"]),
    ],
)
def test_args_accept_any_iterable(tmp_path: Path, value: str, expected: list[str]) -> None:
    text = "c = Component(name='a', executable='/x', host='h', start_index=1)\n"
    assert component_of(tmp_path, f"{text}c.args = {value}\nconfig.add_component(c)\n").args == expected


def test_generator_serves_several_copies(tmp_path: Path) -> None:
    text = "c = Component(executable='/x', host='h', start_index=1, args=(n for n in (1, 2)), results=map(str, 'yz'))\n"
    text += "for c.name in 'ab':\n    config.add_component(c)\n"
    components = loaded(tmp_path, text).all_components()
    assert [(each.args, each.results) for each in components] == [(["1", "2"], ["y", "z"])] * 2


def test_args_of_a_copy_are_texts() -> None:
    config = Config()
    config.add_component(Component(args=[1, literal("$x"), Path("p")]))
    (component,) = config.all_components()
    assert component.args == ["1", "$x", "p"]
    assert isinstance(component.args[1], literal)


def test_later_muddler_finds_texts(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/one.py", "def muddle(config):\n    config.all_components()[0].args = (n for n in [1])\n")
    write(tmp_path / "muddlers/two.py", "def muddle(config):\n    config.all_components()[0].args[0] += 'x'\n")
    assert component_of(tmp_path, muddler=["one", "two"]).args == ["1x"]


def test_assigned_list_stays_the_same_list() -> None:
    """A config file may keep its list, and change it between two calls of `add_component`."""
    args = ["-n", 1]
    config, component = Config(), Component(args=args)
    for args[1] in (1, 2):
        config.add_component(component)
    assert [each.args for each in config.all_components()] == [["-n", "1"], ["-n", "2"]]


@pytest.mark.parametrize("value", ["one two", b"one", {"a": 1}, [b"x"], [["x"]], [("x",)]])
def test_args_refuse_mistakes(tmp_path: Path, value: object) -> None:
    assert refused(tmp_path, complete(args=value)).startswith(f"h/a.args: invalid value {value!r}")


def test_failing_generator_is_an_error_at_its_line(tmp_path: Path) -> None:
    message = refused(tmp_path, f"{COMPLETE}Component(args=(1 / n for n in [0]))\n")
    assert message.startswith("FOLDER/cfg.py:2: ZeroDivisionError")
