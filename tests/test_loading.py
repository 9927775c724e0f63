"""Config files, arg parsers and muddlers are run, and what goes wrong in them shows the user's own lines."""

import sys
from pathlib import Path

import pytest

from rr_config import ConfigError, Options, load, user_code
from rr_config.muddlers.discovery import all_muddlers

from .configs import COMPLETE, complete, component_of, loaded, refused, write

OWN = ["pin", "rehost", "repeat", "stagger", "ta1", "ta3", "wrap"]
OPTION_NAMES = [
    *["config_file", "ssh_user", "ssh_pass", "screen", "kill_first", "always_copy", "no_zombie"],
    *["muddler", "extra_args", "arg_parser", "log_level"],
]


# -- what a config file finds


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("os.getcwd()", "FOLDER"),
        ("sys.path[0]", "FOLDER"),
        ("os.path.abspath(__file__)", "FOLDER/cfg.py"),
        ("options.config_file", "FOLDER/cfg.py"),
        ("localhost", "localhost"),
        ("extra_options", None),
        ("options.screen", "runner"),
        ("options.kill_first", True),
        ("options.no_zombie", False),
        ("options.always_copy", False),
        ("options.ssh_user", "u"),
        ("options.ssh_pass", "secret"),
        ("options.muddler", []),
        ("sorted(n for n in ('config', 'Component', 'util', 'options') if n in globals())",
         ["Component", "config", "options", "util"]),
        ("[c.name for c in config.all_components()]", []),
        ("util.literal('$x')", "$x"),
    ],
)  # fmt: skip
def test_config_file_finds(tmp_path: Path, expression: str, expected: object) -> None:
    text = f"import os, sys\nfound = {expression}\n{COMPLETE.replace('name=', 'meta={1: found}, name=')}"
    found = component_of(tmp_path, text, ssh_user="u", ssh_pass="secret").meta[1]
    assert (found.replace(str(tmp_path), "FOLDER") if isinstance(found, str) else found) == expected


@pytest.mark.parametrize("name", OPTION_NAMES)
def test_config_file_finds_every_option_by_its_name(tmp_path: Path, name: str) -> None:
    assert loaded(tmp_path, f"options.{name}\n{COMPLETE}")


def test_config_file_imports_what_lies_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "beside_the_config.py", "name = 'imported'\n")
    text = "import beside_the_config\n" + COMPLETE.replace('"a"', "beside_the_config.name")
    assert component_of(tmp_path, text).name == "imported"


def test_config_file_may_be_named_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "sub/cfg.py", "import os\n" + COMPLETE.replace('"a"', "os.path.basename(os.getcwd())"))
    monkeypatch.chdir(tmp_path)
    (component,) = load(Options(config_file="sub/cfg.py")).all_components()
    assert component.name == "sub"


def test_names_of_one_config_file_are_gone_for_the_next(tmp_path: Path) -> None:
    loaded(tmp_path / "one", "left_behind = 1\n" + COMPLETE)
    assert "NameError" in refused(tmp_path / "two", "left_behind\n" + COMPLETE)


@pytest.mark.parametrize("text", [COMPLETE, "import os, sys\nos.chdir('/')\nsys.path.append('/x')\n" + COMPLETE, "1/0"])
def test_current_folder_and_search_path_are_as_before_afterwards(tmp_path: Path, text: str) -> None:
    before = Path.cwd(), list(sys.path)
    try:
        loaded(tmp_path, text)
    except ConfigError:
        assert text == "1/0"
    assert (Path.cwd(), sys.path) == before


def test_what_a_config_file_does_to_options_changes_nothing_for_the_caller(tmp_path: Path) -> None:
    options = Options(config_file=str(write(tmp_path / "cfg.py", "options.muddler.append(1)\n" + COMPLETE)))
    load(options)
    assert options.muddler == []


# -- what is wrong with a config file


def test_missing_config_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(Options(config_file=str(tmp_path / "none.py")))
    assert str(caught.value) == f"--config: {tmp_path}/none.py: there is no such file"


def test_config_file_has_to_be_named() -> None:
    with pytest.raises(ConfigError) as caught:
        load(Options())
    assert str(caught.value) == "--config: no config file is named; name one with --config FILE"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\nprint 'hello'\n", 2),
        ("try:\n    pass\nexcept IOError, e:\n    pass\n", 3),
        ("x = 1\n\nexec 'x'\n", 3),
        ("x = 0777\n", 1),
        ("def f(:\n", 1),
        ("if 1:\nx = 2\n", 2),
        ("x = '''\n", 1),
        ("x = 1\n return 2\n", 2),
        ("return 2\n", 1),
    ],
)
def test_syntax_error_is_shown_with_path_and_line(tmp_path: Path, text: str, line: int) -> None:
    message = refused(tmp_path, text)
    assert message.startswith(f"FOLDER/cfg.py:{line}: ")
    assert text.splitlines()[line - 1].strip() in message


def test_python_2_is_recognised(tmp_path: Path) -> None:
    assert "Python 2" in refused(tmp_path, "print 'hello'\n")


def test_nul_byte_is_reported_with_its_line(tmp_path: Path) -> None:
    message = refused(tmp_path, COMPLETE + "x = '\0'\n")
    assert message == f"FOLDER/cfg.py:{COMPLETE.count(chr(10)) + 1}: has a NUL byte; is it a text file?"


@pytest.mark.parametrize("content", [b"x = 1\ny = '\xff'\n", b"x = 1\n\0\n", b"# coding: no-such\n"])
def test_bytes_that_are_no_python_are_refused_with_the_path(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cfg.py"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(Options(config_file=str(path)))
    assert str(caught.value).startswith(f"{path}:")


def test_exception_is_shown_with_the_lines_that_led_to_it(tmp_path: Path) -> None:
    text = "def inner(x):\n    return 1 / x\n\ndef outer():\n    return inner(0)\n\nouter()\n"
    message = refused(tmp_path, text)
    assert message.startswith("FOLDER/cfg.py:2: ZeroDivisionError: division by zero\n")
    assert [line for line in message.splitlines() if "File" in line] == [
        '  File "FOLDER/cfg.py", line 7, in <module>',
        '  File "FOLDER/cfg.py", line 5, in outer',
        '  File "FOLDER/cfg.py", line 2, in inner',
    ]
    assert "return inner(0)" in message


@pytest.mark.parametrize(
    "text",
    [
        "component = Component()\ncomponent.nmae = 'x'\n",
        "x = 1\nComponent(nmae='x')\n",
        "import threading\nconfig.add_component(Component(meta={1: threading.Lock()}))\n",
        "x = 1\nutil.recursive_files_dict('no-such', '.')\n",
        "x = 1\nComponent('positional')\n",
        "x = 1\nComponent.no_such\n",
    ],
)
def test_exception_in_what_a_config_file_calls_shows_its_line_and_none_of_ours(tmp_path: Path, text: str) -> None:
    message = refused(tmp_path, text)
    assert message.startswith("FOLDER/cfg.py:2: ")
    assert text.splitlines()[1] in message
    assert "rr_config" not in message


def test_unknown_attribute_names_the_legal_ones_and_the_nearest(tmp_path: Path) -> None:
    first_line = refused(tmp_path, "c = Component()\nc.start_indx = 3\n").splitlines()[0]
    assert first_line == (
        "FOLDER/cfg.py:2: AttributeError: a Component has no attribute 'start_indx', did you mean 'start_index'?"
        " it has name, executable, args, files, host, base_dir, env, start_index, ready, wait, num_cores, stop_signal, results, needs, meta"
    )


def test_only_what_is_below_a_folder_of_ours_is_none_of_the_users() -> None:
    """And not what is in a folder whose name begins likewise."""
    assert all(folder.endswith("/") for folder in user_code.OTHERS)


def test_a_home_of_nobody_is_named_together_with_files_that_are_missing(tmp_path: Path) -> None:
    said = refused(tmp_path, complete(files={"~nobodyxx/a": "x", "no1": "y"}))
    assert said.splitlines() == [
        "h/a.files: ~nobodyxx/a: there is no user nobodyxx here; is the name right?",
        "a.files: FOLDER/no1: No such file or directory",
    ]


def test_a_config_error_of_the_users_files_is_shown_in_its_own_words(tmp_path: Path) -> None:
    assert refused(tmp_path, "from rr_config import ConfigError\nraise ConfigError('that is not to be')\n") == (
        "that is not to be"
    )


ODD_ERRORS = {
    "raise ValueError": "ValueError",
    "class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Odd": "cfg.Odd: <exception str() failed>",
    "raise ExceptionGroup('both', [ValueError('a'), ValueError('b')])": "ExceptionGroup: both (2 sub-exceptions)",
}


@pytest.mark.parametrize("text", ODD_ERRORS)
def test_exception_without_usable_words_is_shown_by_its_name(tmp_path: Path, text: str) -> None:
    line = len(text.splitlines())
    assert refused(tmp_path, text).splitlines()[0] == f"FOLDER/cfg.py:{line}: {ODD_ERRORS[text]}"


def test_line_at_which_a_config_file_ends_itself_is_named(tmp_path: Path) -> None:
    assert refused(tmp_path, "import sys\n\nsys.exit(3)\n").startswith("FOLDER/cfg.py:3: ended itself, with 3")


def test_config_file_may_define_dataclasses(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nimport dataclasses\n@dataclasses.dataclass\nclass Node:\n    name: str\n"
    )
    before = set(sys.modules)
    assert component_of(tmp_path, text + "x = Node('a')\n" + COMPLETE).name == "a"
    assert "cfg" not in set(sys.modules) - before


def test_config_file_may_be_named_like_a_module(tmp_path: Path) -> None:
    path = write(tmp_path / "copy.py", "import copy\ncopy.deepcopy([])\n" + COMPLETE)
    module = sys.modules["copy"]
    assert [c.name for c in load(Options(config_file=str(path))).all_components()] == ["a"]
    assert sys.modules["copy"] is module


def test_what_meta_holds_is_copied_once_only(tmp_path: Path) -> None:
    """By the `add_component` of the config; a muddler may put in what cannot be copied at all."""
    write(
        tmp_path / "m.py",
        "import threading\ndef muddle(c):\n    c.all_components()[0].meta['lock'] = threading.Lock()",
    )
    assert list(component_of(tmp_path, muddler=[str(tmp_path / "m.py")]).meta) == ["lock"]


def test_what_a_config_file_says_as_it_ends_itself_is_shown(tmp_path: Path) -> None:
    assert "no hosts given" in refused(tmp_path, "import sys\nsys.exit('no hosts given')\n")


def test_syntax_error_in_an_imported_file_names_both_places(tmp_path: Path) -> None:
    write(tmp_path / "broken_beside_the_config.py", "x = 1\nx = = 2\n")
    message = refused(tmp_path, "x = 1\nimport broken_beside_the_config\n")
    broken = "FOLDER/broken_beside_the_config.py:2: invalid syntax"
    assert message == f"FOLDER/cfg.py:2: {broken}\n    x = = 2"


def test_unknown_encoding_is_reported_with_a_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "# coding: nonsense\n").startswith("FOLDER/cfg.py:1: ")


def test_frames_of_python_itself_are_not_shown(tmp_path: Path) -> None:
    message = refused(tmp_path, "import threading\n" + COMPLETE.replace("name=", "meta={1: threading.Lock()}, name="))
    assert "cannot pickle" in message
    assert message.count("File ") == 1


def test_exception_in_an_imported_file_shows_its_line_too(tmp_path: Path) -> None:
    write(tmp_path / "raises_beside_the_config.py", "x = 1\n\nraise ValueError('deep')\n")
    message = refused(tmp_path, "x = 1\nimport raises_beside_the_config\n")
    assert message.startswith("FOLDER/cfg.py:2: ValueError: deep\n")
    assert '"FOLDER/raises_beside_the_config.py", line 3' in message
    assert "importlib" not in message


def test_endless_recursion_is_an_error_like_any_other(tmp_path: Path) -> None:
    message = refused(tmp_path, "def f():\n    return f()\nf()\n")
    assert "RecursionError" in message
    assert len(message.splitlines()) < 30


def test_ctrl_c_is_not_taken_for_an_error_of_the_config_file(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        loaded(tmp_path, "raise KeyboardInterrupt\n")


# -- arg parsers

ECHO = "def parse_args(extra_args, ssh_user):\n    return [extra_args, ssh_user]\n"


@pytest.mark.parametrize("extra_args", ["", "plain", "--user", "--config=x", "-c 3", "-- 'a b' \"c\" $HOME \n é"])
def test_arg_parser_makes_extra_options(tmp_path: Path, extra_args: str) -> None:
    parser = write(tmp_path / "parser.py", ECHO)
    text = COMPLETE.replace('"a"', '"a", meta={1: extra_options}')
    component = component_of(tmp_path, text, extra_args=extra_args, arg_parser=str(parser), ssh_user="me")
    assert component.meta[1] == [extra_args, "me"]


def test_extra_args_without_an_arg_parser_are_an_error(tmp_path: Path) -> None:
    message = refused(tmp_path, extra_args="x")
    assert (
        message
        == "--extra-args: there is nothing to parse it; name an --arg-parser FILE, or a --muddler that has options"
    )


def test_arg_parser_is_run_before_the_config_file(tmp_path: Path) -> None:
    parser = write(tmp_path / "parser.py", "def parse_args(extra_args, ssh_user):\n    raise ValueError('first')\n")
    message = refused(tmp_path, "raise ValueError('second')\n", extra_args="", arg_parser=str(parser))
    assert message.startswith("FOLDER/parser.py:2: ValueError: first")


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("x = = 1\n", "FOLDER/parser.py:1: "),
        ("1 / 0\n", "FOLDER/parser.py:1: ZeroDivisionError"),
        ("def other(): pass\n", "FOLDER/parser.py: defines no parse_args(extra_args, ssh_user)"),
        ("parse_args = 3\n", "FOLDER/parser.py: defines no parse_args(extra_args, ssh_user)"),
        ("def parse_args(extra_args, ssh_user):\n    int(extra_args)\n", "FOLDER/parser.py:2: ValueError"),
        ("def parse_args():\n    pass\n", "FOLDER/parser.py"),
    ],
)
def test_wrong_arg_parser_is_refused(tmp_path: Path, text: str, beginning: str) -> None:
    parser = write(tmp_path / "parser.py", text)
    message = refused(tmp_path, extra_args="x", arg_parser=str(parser))
    assert message.startswith(beginning)
    assert "rr_config" not in message


def test_missing_arg_parser_is_named(tmp_path: Path) -> None:
    message = refused(tmp_path, extra_args="x", arg_parser=str(tmp_path / "none.py"))
    assert message == "--arg-parser FOLDER/none.py: there is no such file"
    message = refused(tmp_path, extra_args="x", arg_parser=str(tmp_path))
    assert message == "--arg-parser FOLDER: there is no such file"


def test_arg_parser_that_takes_something_else_is_refused(tmp_path: Path) -> None:
    parser = write(tmp_path / "parser.py", "def parse_args(extra_args): pass\n")
    message = refused(tmp_path, extra_args="x", arg_parser=str(parser))
    form = "parse_args(extra_args, ssh_user)"
    assert message == f"FOLDER/parser.py: its parse_args is no function that can be called as {form}"


@pytest.mark.parametrize("option", ["config_file", "arg_parser", "muddler"])
@pytest.mark.parametrize("name", ["x" * 300 + ".py", "circle.py"])
def test_path_that_cannot_even_be_looked_up_is_named_with_its_option(tmp_path: Path, option: str, name: str) -> None:
    (tmp_path / "circle.py").symlink_to("circle.py")
    given = {"config_file": str(write(tmp_path / "cfg.py", COMPLETE)), "extra_args": "x", "arg_parser": None}
    path = str(tmp_path / name)
    with pytest.raises(ConfigError) as caught:
        load(Options(**given | {option: [path] if option == "muddler" else path}))  # type: ignore[arg-type]
    option_name = {"config_file": "--config: ", "arg_parser": "--arg-parser ", "muddler": "--muddler "}[option]
    assert str(caught.value).startswith(f"{option_name}{path}: ")


ARGPARSE = """
import argparse

def parse_args(extra_args, ssh_user):
    parser = argparse.ArgumentParser("mine")
    parser.add_argument("--count", type=int)
    return parser.parse_args(extra_args.split())
"""


def test_refusal_of_an_argument_parser_is_a_config_error_after_its_own_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = write(tmp_path / "parser.py", ARGPARSE)
    message = refused(tmp_path, extra_args="--count x", arg_parser=str(parser))
    assert message.startswith("FOLDER/parser.py")
    assert "invalid int value: 'x'" in capsys.readouterr().err


def test_help_of_an_argument_parser_ends_well(tmp_path: Path) -> None:
    parser = write(tmp_path / "parser.py", ARGPARSE)
    with pytest.raises(SystemExit) as caught:
        loaded(tmp_path, extra_args="--help", arg_parser=str(parser))
    assert not caught.value.code


# -- muddlers


@pytest.mark.parametrize("signature", ["config", "config, options", "config, options=None", "*arguments"])
def test_muddler_takes_the_config_and_perhaps_the_options(tmp_path: Path, signature: str) -> None:
    first = "arguments[0]" if signature.startswith("*") else "config"
    text = f"def muddle({signature}):\n    for c in {first}.all_components():\n        c.name = options.ssh_user\n"
    write(tmp_path / "muddlers/mine.py", "" + text)
    assert component_of(tmp_path, muddler=["mine"], ssh_user="muddled").name == "muddled"


def test_muddler_finds_the_same_names_as_a_config_file(tmp_path: Path) -> None:
    write(
        tmp_path / "muddlers/mine.py",
        """
        def muddle(config, given):
            assert given is options
            config.clear_components()
            component = Component(name="b", executable="x", host="h", start_index=1)
            component.args = [util.literal("$x")]
            component.meta = {"extra": extra_options}
            config.add_component(component)
        """,
    )
    parser = write(tmp_path / "parser.py", ECHO)
    component = component_of(tmp_path, muddler=["mine"], arg_parser=str(parser), extra_args="x")
    assert (component.name, component.args, component.meta) == ("b", ["$x"], {"extra": ["x", None]})


def test_muddlers_are_applied_in_their_order_and_as_often_as_named(tmp_path: Path) -> None:
    for letter in "xy":
        text = f"def muddle(config):\n    for c in config.all_components():\n        c.name += '{letter}'\n"
        write(tmp_path / f"muddlers/{letter}.py", text)
    assert component_of(tmp_path, muddler=["y", "x", "y"]).name == "ayxy"


def test_muddler_may_add_and_remove_and_replace(tmp_path: Path) -> None:
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


def test_muddler_is_found_by_path_relative_to_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "def muddle(config):\n    config.all_components()[0].name = 'by path'\n"
    write(tmp_path / "here/mine.py", text)
    monkeypatch.chdir(tmp_path / "here")
    for given in ("mine.py", "./mine.py", str(tmp_path / "here/mine.py")):
        assert component_of(tmp_path / "config", muddler=[given]).name == "by path"


def test_muddler_beside_the_config_comes_before_one_of_the_project(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/ta3.py", "def muddle(config):\n    config.all_components()[0].name = 'own'\n")
    assert component_of(tmp_path, muddler=["ta3"]).name == "own"


def test_muddler_imports_what_lies_beside_it(tmp_path: Path) -> None:
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
def test_muddler_that_cannot_be_called_is_refused(tmp_path: Path, text: str) -> None:
    write(tmp_path / "muddlers/mine.py", text)
    message = refused(tmp_path, muddler=["mine"])
    form = "muddle(config) or muddle(config, options)"
    assert message == f"FOLDER/muddlers/mine.py: its muddle is no function that can be called as {form}"


@pytest.mark.parametrize("raised", ["GeneratorExit", "type('Own', (BaseException,), {})('boo')"])
def test_exceptions_of_every_kind_show_the_users_lines(tmp_path: Path, raised: str) -> None:
    assert refused(tmp_path, f"\nraise {raised}\n").startswith("FOLDER/cfg.py:2: ")


def test_unknown_muddler_is_refused_with_the_names_that_exist(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/mine.py", "def muddle(config): pass\n")
    message = refused(tmp_path, muddler=["nope"])
    names = ", ".join(sorted(["mine", *OWN]))
    assert message == f"--muddler nope: there is no such muddler; the names are: {names}"


def test_unknown_muddler_is_refused_before_the_config_file_is_run(tmp_path: Path) -> None:
    assert "--muddler nope" in refused(tmp_path, "1 / 0\n", muddler=["nope"])


def test_missing_muddler_file_is_named(tmp_path: Path) -> None:
    message = refused(tmp_path, muddler=[f"{tmp_path}/nope.py"])
    assert message == "--muddler FOLDER/nope.py: there is no such file"


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        ("x = = 1\n", "FOLDER/mine.py:1: "),
        ("print 'x'\n", "FOLDER/mine.py:1: "),
        ("\n1 / 0\n", "FOLDER/mine.py:2: ZeroDivisionError"),
        ("def muddle(config):\n    1 / 0\n", "FOLDER/mine.py:2: ZeroDivisionError"),
        ("def muddle(config):\n    for c in config.all_components():\n        c.nme = 1\n", "FOLDER/mine.py:3: Attri"),
        ("def other(): pass\n", "FOLDER/mine.py: defines no muddle(config) or muddle(config, options)"),
        ("def muddle():\n    pass\n", "FOLDER/mine.py"),
    ],
)
def test_wrong_muddler_is_refused_with_its_own_lines(tmp_path: Path, text: str, beginning: str) -> None:
    message = refused(tmp_path, muddler=[str(write(tmp_path / "mine.py", text))])
    assert message.startswith(beginning)
    assert "rr_config" not in message


def test_components_are_checked_after_muddlers(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/mine.py", "def muddle(config):\n    config.clear_components()\n")
    assert refused(tmp_path, muddler=["mine"]).startswith("config: has no components")


def test_config_may_leave_to_a_muddler_what_is_missing(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/mine.py", "def muddle(config):\n    config.all_components()[0].host = 'h'\n")
    text = "config.add_component(Component(name='a', executable='x', start_index=1))\n"
    assert component_of(tmp_path, text, muddler=["mine"]).host == "h"


@pytest.mark.parametrize(
    ("text", "summary"),
    [
        ('"""First line.\n\nMore."""\ndef muddle(config): pass\n', "First line."),
        ('def muddle(config):\n    """Of the function."""\n', "Of the function."),
        ("def muddle(config): pass\n", ""),
    ],
)
def test_muddlers_are_listed_with_the_first_line_of_their_docstring(tmp_path: Path, text: str, summary: str) -> None:
    path = write(tmp_path / "muddlers/mine.py", text)
    found = {muddler.name: muddler for muddler in all_muddlers(tmp_path)}
    assert (found["mine"].summary, found["mine"].path) == (summary, path.resolve())
    assert found["ta3"].summary


@pytest.mark.parametrize("content", [b"x = = 1\n", b"'\xff'\n", b"\0"])
def test_muddler_that_is_no_python_does_not_keep_the_others_from_being_listed(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / "muddlers/mine.py", "")
    (tmp_path / "muddlers/mine.py").write_bytes(content)
    assert {"mine", "ta3"} <= {muddler.name for muddler in all_muddlers(tmp_path)}


def test_what_is_no_muddler_is_not_listed(tmp_path: Path) -> None:
    """A folder, what editors leave, and helpers."""
    (tmp_path / "muddlers/folder.py").mkdir(parents=True)
    for name in (".hidden.py", "_helper.py", "notes.txt", "mine.py"):
        write(tmp_path / "muddlers" / name, "def muddle(config): pass\n")
    write(tmp_path / "muddlers/args.py", "# for muddlers\ndef parse_args(extra_args, ssh_user): pass\n")
    (tmp_path / "muddlers/.#mine.py").symlink_to("nowhere")
    (tmp_path / "muddlers/dangling.py").symlink_to("nowhere")
    assert [muddler.name for muddler in all_muddlers(tmp_path)] == ["mine", *OWN]


def test_each_file_imports_what_lies_beside_itself(tmp_path: Path) -> None:
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
    assert "can be called as muddle(config)" in refused(tmp_path, muddler=[str(tmp_path / "m.py")])


def test_broken_muddler_does_not_keep_the_others_from_being_listed(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/mine.py", "print 'hello'\n")
    found = {muddler.name: muddler for muddler in all_muddlers(tmp_path)}
    assert found["mine"].summary.startswith("(cannot be read: ")
    assert found["ta3"].summary


# -- the example


def test_example_runs_on_localhost_alone_by_default() -> None:
    config = load(Options(config_file=str(Path(__file__).parent.parent / "example/config.py")))
    assert config.all_hosts() == {"localhost"}
    assert len(list(config.all_components())) == 2


def test_example_takes_hosts_from_extra_args_and_its_muddler() -> None:
    example = Path(__file__).parent.parent / "example"
    options = Options(
        config_file=str(example / "config.py"),
        arg_parser=str(example / "extra_args_parser.py"),
        extra_args="--hosts h1,h2,localhost",
        muddler=[str(example / "arg_muddler.py")],
    )
    config = load(options)
    assert config.all_hosts() == {"h1", "h2", "localhost"}
    assert len(list(config.all_components())) == 6
    assert {component.args[-1] for component in config.all_components()} == {"muddled"}
