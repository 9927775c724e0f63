"""Muddlers: how they are found, called and listed, and errors in them."""

from pathlib import Path

import pytest

from rr_config.muddlers.discovery import all_muddlers
from tests.support.configs import COMPLETE, complete, component_of, loaded, refused, write
from tests.support.names import MUDDLERS as OWN

ECHO = "def parse_args(extra_args, ssh_user):\n    return [extra_args, ssh_user]\n"


@pytest.mark.parametrize("signature", ["config", "config, options", "config, options=None", "*arguments"])
def test_muddler_takes_config_and_options(tmp_path: Path, signature: str) -> None:
    first = "arguments[0]" if signature.startswith("*") else "config"
    text = f"def muddle({signature}):\n    for c in {first}.all_components():\n        c.name = options.ssh_user\n"
    write(tmp_path / "muddlers/mine.py", "" + text)
    assert component_of(tmp_path, muddler=["mine"], ssh_user="muddled").name == "muddled"


def test_muddler_finds_names_of_config(tmp_path: Path) -> None:
    write(
        tmp_path / "muddlers/mine.py",
        """
        def muddle(config, given):
            assert given is options
            config.clear_components()
            component = Component(name="b", executable="/x", host="h", start_index=1)
            component.args = [util.literal("$x")]
            component.meta = {"extra": extra_options}
            config.add_component(component)
        """,
    )
    parser = write(tmp_path / "parser.py", ECHO)
    component = component_of(tmp_path, muddler=["mine"], arg_parser=str(parser), extra_args="x")
    assert (component.name, component.args, component.meta) == ("b", ["$x"], {"extra": ["x", None]})


def test_muddlers_run_in_given_order(tmp_path: Path) -> None:
    for letter in "xy":
        text = f"def muddle(config):\n    for c in config.all_components():\n        c.name += '{letter}'\n"
        write(tmp_path / f"muddlers/{letter}.py", text)
    assert component_of(tmp_path, muddler=["y", "x", "y"]).name == "ayxy"


def test_muddler_may_change_components(tmp_path: Path) -> None:
    write(
        tmp_path / "muddlers/mine.py",
        """
        def muddle(config):
            old = list(config.all_components())
            config.clear_components()
            for component in old[1:]:
                config.add_component(component)
                component.name += "-copy"
                config.add_component(component)
        """,
    )
    config = loaded(tmp_path, COMPLETE + complete(name="b"), muddler=["mine"])
    assert [component.name for component in config.all_components()] == ["b", "b-copy"]


def test_muddler_path_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "def muddle(config):\n    config.all_components()[0].name = 'by path'\n"
    write(tmp_path / "here/mine.py", text)
    monkeypatch.chdir(tmp_path / "here")
    for given in ("mine.py", "./mine.py", str(tmp_path / "here/mine.py")):
        assert component_of(tmp_path / "config", muddler=[given]).name == "by path"


def test_muddler_beside_config_comes_first(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/ta3.py", "def muddle(config):\n    config.all_components()[0].name = 'own'\n")
    assert component_of(tmp_path, muddler=["ta3"]).name == "own"


def test_muddler_imports_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere/beside_the_muddler.py", "name = 'imported'\n")
    text = "import beside_the_muddler as b\ndef muddle(config):\n    config.all_components()[0].name = b.name\n"
    path = write(tmp_path / "elsewhere/mine.py", text)
    assert component_of(tmp_path, muddler=[str(path)]).name == "imported"


@pytest.mark.parametrize(
    "text",
    [
        "def muddle(): pass",
        "def muddle(a, b, c): pass",
        "def muddle(config, *, options): pass",
        "def muddle(config): yield",
        "async def muddle(config): pass",
    ],
)
def test_uncallable_muddler_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path / "muddlers/mine.py", text)
    message = refused(tmp_path, muddler=["mine"])
    form = "muddle(config) or muddle(config, options)"
    assert message == f"FOLDER/muddlers/mine.py: wrong parameters of muddle; must be {form}"


@pytest.mark.parametrize("raised", ["GeneratorExit", "type('Own', (BaseException,), {})('boo')"])
def test_muddler_exception_has_user_lines(tmp_path: Path, raised: str) -> None:
    assert refused(tmp_path, f"\nraise {raised}\n").startswith("FOLDER/cfg.py:2: ")


def test_unknown_muddler_lists_known_ones(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/mine.py", "def muddle(config): pass\n")
    message = refused(tmp_path, muddler=["nope"])
    names = ", ".join(sorted(["mine", *OWN]))
    assert message == f"--muddler nope: unknown muddler; must be one of: {names}"


def test_unknown_muddler_stops_before_config(tmp_path: Path) -> None:
    assert "--muddler nope" in refused(tmp_path, "1 / 0\n", muddler=["nope"])


def test_missing_muddler_file_is_reported(tmp_path: Path) -> None:
    message = refused(tmp_path, muddler=[f"{tmp_path}/nope.py"])
    assert message == "--muddler FOLDER/nope.py: no such file"


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("x = = 1\n", "FOLDER/mine.py:1: "),
        ("print 'x'\n", "FOLDER/mine.py:1: "),
        ("\n1 / 0\n", "FOLDER/mine.py:2: ZeroDivisionError"),
        ("def muddle(config):\n    1 / 0\n", "FOLDER/mine.py:2: ZeroDivisionError"),
        ("def muddle(config):\n    for c in config.all_components():\n        c.nme = 1\n", "FOLDER/mine.py:3: Attri"),
        ("def other(): pass\n", "FOLDER/mine.py: missing function muddle(config) or muddle(config, options)"),
        ("def muddle():\n    pass\n", "FOLDER/mine.py"),
    ],
)
def test_broken_muddler_has_its_own_lines(tmp_path: Path, text: str, beginning: str) -> None:
    message = refused(tmp_path, muddler=[str(write(tmp_path / "mine.py", text))])
    assert message.startswith(beginning)
    assert "rr_config" not in message


def test_components_are_checked_after_muddlers(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/mine.py", "def muddle(config):\n    config.clear_components()\n")
    assert refused(tmp_path, muddler=["mine"]).startswith("config: no components")


def test_muddler_may_complete_the_config(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/mine.py", "def muddle(config):\n    config.all_components()[0].host = 'h'\n")
    text = "config.add_component(Component(name='a', executable='/x', start_index=1))\n"
    assert component_of(tmp_path, text, muddler=["mine"]).host == "h"


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ('"""First line.\n\nMore."""\ndef muddle(config): pass\n', "First line."),
        ('def muddle(config):\n    """Of the function."""\n', "Of the function."),
        ("def muddle(config): pass\n", ""),
    ],
)
def test_list_has_muddlers_with_docstrings(tmp_path: Path, text: str, summary: str) -> None:
    path = write(tmp_path / "muddlers/mine.py", text)
    found = {muddler.name: muddler for muddler in all_muddlers(tmp_path)}
    assert (found["mine"].summary, found["mine"].path) == (summary, path.resolve())
    assert found["ta3"].summary


@pytest.mark.parametrize("content", [b"x = = 1\n", b"'\xff'\n", b"\0"])
def test_list_survives_invalid_python(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / "muddlers/mine.py", "")
    (tmp_path / "muddlers/mine.py").write_bytes(content)
    assert {"mine", "ta3"} <= {muddler.name for muddler in all_muddlers(tmp_path)}


def test_list_has_muddlers_only(tmp_path: Path) -> None:
    """A folder, what editors leave, and helpers."""
    (tmp_path / "muddlers/folder.py").mkdir(parents=True)
    for name in (".hidden.py", "_helper.py", "notes.txt", "mine.py"):
        write(tmp_path / "muddlers" / name, "def muddle(config): pass\n")
    write(tmp_path / "muddlers/args.py", "# for muddlers\ndef parse_args(extra_args, ssh_user): pass\n")
    (tmp_path / "muddlers/.#mine.py").symlink_to("nowhere")
    (tmp_path / "muddlers/dangling.py").symlink_to("nowhere")
    assert [muddler.name for muddler in all_muddlers(tmp_path)] == ["mine", *OWN]


def test_each_file_imports_its_neighbours(tmp_path: Path) -> None:
    """Modules of one name: beside the arg parser, the config, and each of two muddlers."""
    for folder in ("parser", ".", "muddlers", "other"):
        write(tmp_path / folder / "helper.py", f"WHO = {folder!r}\n")
    parser = write(tmp_path / "parser/p.py", "import helper\ndef parse_args(extra_args, ssh_user): return helper.WHO\n")
    muddler = "import helper\ndef muddle(config): config.all_components()[0].meta['seen'].append(helper.WHO)\n"
    for path in ("muddlers/one.py", "other/two.py"):
        write(tmp_path / path, muddler)
    text = "import helper\n" + COMPLETE.replace("name=", "meta={'seen': [extra_options, helper.WHO]}, name=")
    muddlers = ["one", str(tmp_path / "other/two.py")]
    found = component_of(tmp_path, text, muddler=muddlers, arg_parser=str(parser), extra_args="x").meta["seen"]
    assert found == ["parser", ".", "muddlers", "other"]


def test_builtin_is_no_muddler(tmp_path: Path) -> None:
    write(tmp_path / "m.py", "muddle = type\n")
    assert "wrong parameters of muddle; must be muddle(config)" in refused(tmp_path, muddler=[str(tmp_path / "m.py")])


def test_list_survives_broken_muddler(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/mine.py", "print 'hello'\n")
    found = {muddler.name: muddler for muddler in all_muddlers(tmp_path)}
    assert found["mine"].summary.startswith("(cannot read it: ")
    assert found["ta3"].summary
