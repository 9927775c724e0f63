"""Config files: the names that they find, and errors in them."""

import sys
from pathlib import Path

import pytest

from rr_config import ConfigError, Options, load, user_code
from tests.support.configs import COMPLETE, complete, component_of, loaded, refused, write

OPTION_NAMES = [
    *["config_file", "ssh_user", "ssh_pass", "screen", "kill_first", "always_copy", "no_zombie"],
    *["muddler", "extra_args", "arg_parser", "log_level", "params", "command"],
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
def test_config_file_finds_every_option(tmp_path: Path, name: str) -> None:
    assert loaded(tmp_path, f"options.{name}\n{COMPLETE}")


def test_config_file_imports_its_neighbours(tmp_path: Path) -> None:
    write(tmp_path / "beside_the_config.py", "name = 'imported'\n")
    text = "import beside_the_config\n" + COMPLETE.replace('"a"', "beside_the_config.name")
    assert component_of(tmp_path, text).name == "imported"


def test_config_path_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "sub/cfg.py", "import os\n" + COMPLETE.replace('"a"', "os.path.basename(os.getcwd())"))
    monkeypatch.chdir(tmp_path)
    (component,) = load(Options(config_file="sub/cfg.py")).all_components()
    assert component.name == "sub"


def test_config_files_share_no_names(tmp_path: Path) -> None:
    loaded(tmp_path / "one", "left_behind = 1\n" + COMPLETE)
    assert "NameError" in refused(tmp_path / "two", "left_behind\n" + COMPLETE)


@pytest.mark.parametrize("text", [COMPLETE, "import os, sys\nos.chdir('/')\nsys.path.append('/x')\n" + COMPLETE, "1/0"])
def test_folder_and_search_path_are_restored(tmp_path: Path, text: str) -> None:
    before = Path.cwd(), list(sys.path)
    try:
        loaded(tmp_path, text)
    except ConfigError:
        assert text == "1/0"
    assert (Path.cwd(), sys.path) == before


def test_loaded_options_stay_unchanged(tmp_path: Path) -> None:
    text = f"options.muddler.append(1)\noptions.parallel = 3\n{COMPLETE}"
    options = Options(config_file=str(write(tmp_path / "cfg.py", text)))
    load(options)
    assert (options.muddler, options.parallel) == ([], 64)


# -- what is wrong with a config file


def test_missing_config_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(Options(config_file=str(tmp_path / "none.py")))
    assert str(caught.value) == f"--config: {tmp_path}/none.py: no such file"


def test_config_file_is_required(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(Options())
    assert str(caught.value) == "--config: missing; give a config file with --config FILE"
    word = str(write(tmp_path / "my cfg.py", COMPLETE))  # as in `fab status "my cfg.py"`
    with pytest.raises(ConfigError) as caught:
        load(Options(limit=word))
    assert str(caught.value) == f"--config: missing; give a config file with --config '{word}'"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x = 1\nprint 'hello'\n", 2),
        ("try:\n    pass\nfinally:\n    raise IOError, 'x'\n", 4),
        ("x = 1\n\nexec 'x'\n", 3),
        ("x = 0777\n", 1),
        ("def f(:\n", 1),
        ("if 1:\nx = 2\n", 2),
        ("x = '''\n", 1),
        ("x = 1\n return 2\n", 2),
        ("return 2\n", 1),
    ],
)
def test_syntax_error_has_path_and_line(tmp_path: Path, text: str, line: int) -> None:
    message = refused(tmp_path, text)
    assert message.startswith(f"FOLDER/cfg.py:{line}: ")
    assert text.splitlines()[line - 1].strip() in message


def test_python_2_is_recognised(tmp_path: Path) -> None:
    assert "Python 2" in refused(tmp_path, "print 'hello'\n")


def test_nul_byte_has_its_line(tmp_path: Path) -> None:
    message = refused(tmp_path, COMPLETE + "x = '\0'\n")
    assert message == f"FOLDER/cfg.py:{COMPLETE.count(chr(10)) + 1}: contains a NUL byte; must be a text file"


@pytest.mark.parametrize("content", [b"x = 1\ny = '\xff'\n", b"x = 1\n\0\n", b"# coding: no-such\n"])
def test_binary_config_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "cfg.py"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        load(Options(config_file=str(path)))
    assert str(caught.value).startswith(f"{path}:")


def test_exception_has_lines_of_its_cause(tmp_path: Path) -> None:
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
        "x = 1\nutil.recursive_files_dict(None, '.')\n",
        "x = 1\nComponent('positional')\n",
        "x = 1\nComponent.no_such\n",
    ],
)
def test_traceback_has_no_line_of_ours(tmp_path: Path, text: str) -> None:
    message = refused(tmp_path, text)
    assert message.startswith("FOLDER/cfg.py:2: ")
    assert text.splitlines()[1] in message
    assert "rr_config" not in message


def test_unknown_attribute_suggests_nearest(tmp_path: Path) -> None:
    first_line = refused(tmp_path, "c = Component()\nc.start_indx = 3\n").splitlines()[0]
    assert first_line == (
        "FOLDER/cfg.py:2: AttributeError: unknown attribute 'start_indx' of Component; did you mean 'start_index'?"
        " (known: name, executable, args, files, host, base_dir, env, start_index, ready, wait, daemon, num_cores, stop_signal, results, measures, needs, meta)"
    )


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("util.prot(80)", "unknown name util.prot; did you mean util.port?"),
        ("util.recursive_file_dict('a', 'b')", "unknown name util.recursive_file_dict; did you mean util.recursive_"),
        (
            "util.nonsense()",
            "unknown name util.nonsense; must be one of command, ended, hosts, literal, log, params, pidfile, port, ",
        ),
        ("config.add_componet(Component())", "unknown name config.add_componet; did you mean config.add_component?"),
        ("config.clear()", "unknown name config.clear; did you mean config.clear_components?"),
        ("Component().nmae", "unknown name component.nmae; did you mean component.name?"),
        ("options.limt", "unknown name options.limt; did you mean options.limit?"),
        ("confg.add_component(Component())", "unknown name confg; did you mean config?"),
        ("Componnet()", "unknown name Componnet; did you mean Component?"),
        ("qqq.x", "NameError: name 'qqq' is not defined"),
        ("''.qqq", "AttributeError: 'str' object has no attribute 'qqq'"),
    ],
)
def test_misspelled_name_suggests_nearest(tmp_path: Path, line: str, hint: str) -> None:
    assert refused(tmp_path, f"x = 1\n{line}\n").startswith(f"FOLDER/cfg.py:2: {hint}")


def test_misspelled_name_in_muddler_is_reported(tmp_path: Path) -> None:
    write(tmp_path / "muddlers/m.py", "def muddle(config):\n    for c in config.all_componets(): pass\n")
    message = refused(tmp_path, complete(), muddler=["m"])
    assert message.startswith(
        "FOLDER/muddlers/m.py:2: unknown name config.all_componets; did you mean config.all_components?"
    )


def test_only_our_files_are_hidden() -> None:
    """And not what is in a folder whose name begins likewise."""
    assert all(folder.endswith("/") for folder in user_code.OTHERS)


def test_unknown_home_is_reported_with_files(tmp_path: Path) -> None:
    said = refused(tmp_path, complete(files={"~nobodyxx/a": "x", "no1": "y"}))
    assert said.splitlines() == [
        "h/a.files: ~nobodyxx/a: unknown user nobodyxx on this machine; check the spelling",
        "a.files: FOLDER/no1: No such file or directory",
    ]


def test_config_error_has_its_own_words(tmp_path: Path) -> None:
    assert refused(tmp_path, "from rr_config import ConfigError\nraise ConfigError('that is not to be')\n") == (
        "that is not to be"
    )


ODD_ERRORS = {
    "raise ValueError": "ValueError",
    "class Odd(Exception):\n    def __str__(self):\n        return 1 / 0\nraise Odd": "cfg.Odd: <exception str() failed>",
    "raise ExceptionGroup('both', [ValueError('a'), ValueError('b')])": "ExceptionGroup: both (2 sub-exceptions)",
}


@pytest.mark.parametrize("text", ODD_ERRORS)
def test_exception_without_words_has_its_name(tmp_path: Path, text: str) -> None:
    line = len(text.splitlines())
    assert refused(tmp_path, text).splitlines()[0] == f"FOLDER/cfg.py:{line}: {ODD_ERRORS[text]}"


def test_exit_in_config_has_its_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "import sys\n\nsys.exit(3)\n").startswith(
        "FOLDER/cfg.py:3: exited with 3; see its output above"
    )


def test_config_file_may_define_dataclasses(tmp_path: Path) -> None:
    text = (
        "from __future__ import annotations\nimport dataclasses\n@dataclasses.dataclass\nclass Node:\n    name: str\n"
    )
    before = set(sys.modules)
    assert component_of(tmp_path, text + "x = Node('a')\n" + COMPLETE).name == "a"
    assert "cfg" not in set(sys.modules) - before


def test_config_may_be_named_like_a_module(tmp_path: Path) -> None:
    path = write(tmp_path / "copy.py", "import copy\ncopy.deepcopy([])\n" + COMPLETE)
    module = sys.modules["copy"]
    assert [c.name for c in load(Options(config_file=str(path))).all_components()] == ["a"]
    assert sys.modules["copy"] is module


def test_meta_is_copied_once(tmp_path: Path) -> None:
    """By the `add_component` of the config; a muddler may put in what cannot be copied at all."""
    write(
        tmp_path / "m.py",
        "import threading\ndef muddle(c):\n    c.all_components()[0].meta['lock'] = threading.Lock()",
    )
    assert list(component_of(tmp_path, muddler=[str(tmp_path / "m.py")]).meta) == ["lock"]


def test_exit_text_of_config_is_shown(tmp_path: Path) -> None:
    assert "no hosts given" in refused(tmp_path, "import sys\nsys.exit('no hosts given')\n")


def test_syntax_error_in_import_has_two_places(tmp_path: Path) -> None:
    write(tmp_path / "broken_beside_the_config.py", "x = 1\nx = = 2\n")
    message = refused(tmp_path, "x = 1\nimport broken_beside_the_config\n")
    broken = "FOLDER/broken_beside_the_config.py:2: invalid syntax"
    assert message == f"FOLDER/cfg.py:2: {broken}\n    x = = 2"


def test_unknown_encoding_has_its_line(tmp_path: Path) -> None:
    assert refused(tmp_path, "# coding: nonsense\n").startswith("FOLDER/cfg.py:1: ")


def test_frames_of_python_are_hidden(tmp_path: Path) -> None:
    message = refused(tmp_path, "import threading\n" + COMPLETE.replace("name=", "meta={1: threading.Lock()}, name="))
    assert "cannot pickle" in message
    assert message.count("File ") == 1


def test_exception_in_import_has_its_line(tmp_path: Path) -> None:
    write(tmp_path / "raises_beside_the_config.py", "x = 1\n\nraise ValueError('deep')\n")
    message = refused(tmp_path, "x = 1\nimport raises_beside_the_config\n")
    assert message.startswith("FOLDER/cfg.py:2: ValueError: deep\n")
    assert '"FOLDER/raises_beside_the_config.py", line 3' in message
    assert "importlib" not in message


def test_endless_recursion_is_an_error(tmp_path: Path) -> None:
    message = refused(tmp_path, "def f():\n    return f()\nf()\n")
    assert "RecursionError" in message
    assert len(message.splitlines()) < 30


def test_ctrl_c_is_no_config_error(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        loaded(tmp_path, "raise KeyboardInterrupt\n")
