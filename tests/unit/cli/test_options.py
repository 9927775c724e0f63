"""Options of all commands: from the command line, else from fabric.yaml."""

import os
from pathlib import Path
from typing import Any

import pytest
from invoke.exceptions import Exit
from invoke.parser import Parser
from invoke.parser.context import ParserContext

from fabfile.cli.options import Option
from fabfile.cli.settings import read_options
from rr_config import ConfigError, Options, load
from rr_config.command_line.options import OPTIONS
from tests.support.configs import COMPLETE, write

NAMES = "config, arg_parser, muddler, set, screen, limit, user, pass, extra_args, host_keys, on_exit, max_failures, parallel, retries, io_timeout, transport, log_level, kill, zombie, replace, always_copy, delete, relay, terminate, keep_going, sample"


def parsed(*words: str) -> Options:
    """The options of the command line `run WORDS`, by the parser that importing fabfile has mended."""
    (run,) = Parser([ParserContext("run", args=[Option(each) for each in OPTIONS])]).parse_argv(["run", *words])
    return read_options(run.as_kwargs, {})


def refused(defaults: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        read_options({}, defaults)
    return str(caught.value)


def test_second_default_is_refused() -> None:
    assert "no_kill: duplicate of kill; set kill or no_kill once" in refused({"kill": True, "no_kill": True})
    assert "log-level: duplicate of log_level; set log_level or no_log_level once" in refused(
        {"log_level": "INFO", "log-level": "DEBUG"}
    )


def test_password_leaves_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, defaults, expected in (
        ({}, {"pass": "default"}, "environment"),
        ({"pass": "given"}, {"pass": "default"}, "given"),
        ({"pass": None}, {}, "environment"),
    ):
        monkeypatch.setenv("REMOTE_RUNNER_PASS", "environment")
        assert read_options(given, defaults).ssh_pass == expected
        assert "REMOTE_RUNNER_PASS" not in os.environ
    assert read_options({}, {"pass": "default"}).ssh_pass == "default"


# -- the command line


def test_no_option_means_defaults() -> None:
    options = parsed()
    assert options == Options()
    assert (options.screen, options.kill_first, options.no_zombie, options.always_copy) == (
        "runner",
        True,
        False,
        False,
    )
    assert (options.terminate, options.muddler, options.extra_args, options.ssh_user) == (False, [], None, None)


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        (["-c", "x"], "config_file", "x"),
        (["--config=x"], "config_file", "x"),
        (["-c", "x", "-c", "y"], "config_file", "y"),
        (["-c", "x", "--config=y", "-c", "-"], "config_file", "-"),
        (["-m", "a", "--muddler", "b", "-m", "a"], "muddler", ["a", "b", "a"]),
        (["--set", "a=1", "--set=b=c=d", "--set", "a=2"], "params", {"a": "2", "b": "c=d"}),
        (["--set", "a=", "--set", "b"], "params", {"a": "", "b": None}),
        (["-u", "me"], "ssh_user", "me"),
        (["--user", "me"], "ssh_user", "me"),
        (["-p", "secret"], "ssh_pass", "secret"),
        (["--pass", "secret"], "ssh_pass", "secret"),
        (["-l", "debug"], "log_level", "DEBUG"),
        (["--log-level", "WARNING"], "log_level", "WARNING"),
        (["--screen", "mine"], "screen", "mine"),
        (["--no-kill"], "kill_first", False),
        (["--no-zombie"], "no_zombie", True),
        (["--always-copy"], "always_copy", True),
        (["--extra-args", "a b"], "extra_args", "a b"),
        (["--extra-args", ""], "extra_args", ""),
        (["-a", "p.py"], "arg_parser", "p.py"),
        (["--arg-parser", "p.py"], "arg_parser", "p.py"),
        (["--limit", "a,!b"], "limit", "a,!b"),
        (["--parallel", "3"], "parallel", 3),
        (["--host-keys", "strict"], "host_keys", "strict"),
        (["--keep-going"], "keep_going", True),
        (["--max-failures", "2"], "max_failures", 2),
        (["--retries", "2"], "retries", 2),
        (["--io-timeout", "2"], "io_timeout", 2),
        (["--terminate"], "terminate", True),
        (["--no-terminate"], "terminate", False),
        (["--no-always-copy"], "always_copy", False),
        (["--kill"], "kill_first", True),
    ],
)
def test_option_is_read(words: list[str], name: str, value: object) -> None:
    assert getattr(parsed(*words), name) == value


LIKE_OPTIONS = [
    "--user",
    "--config=x",
    "-c 3",
    "-c",
    "-c3",
    "-u",
    "--extra-args",
    "--no-kill",
    "--help",
    "-h",
    "run",
]


@pytest.mark.parametrize("text", [*LIKE_OPTIONS, "--hosts a,b --user x", "=", "a=b", " ", "-", "é'\"$x\n"])
def test_extra_args_are_taken_literally(text: str) -> None:
    for words in (["--extra-args", text], [f"--extra-args={text}"]):
        options = parsed(*words, "-c", "cfg.py")
        assert (options.extra_args, options.config_file) == (text, "cfg.py")


@pytest.mark.parametrize("words", [["--no-such"], ["--extra-args"], ["-c"], ["--kill=maybe"], ["--parallel", "x"]])
def test_invalid_command_line_exits_with_2(words: list[str]) -> None:
    with pytest.raises(Exit) as caught:
        parsed(*words)
    assert caught.value.code == 2
    assert caught.value.message


@pytest.mark.parametrize("words", [["-c"], ["-c", "x", "-c"], ["-c", "--kill"], ["-c", "-c", "x"]])
def test_missing_value_is_reported(words: list[str]) -> None:
    with pytest.raises(Exit) as caught:
        parsed(*words)
    assert caught.value.message is not None
    assert caught.value.message.startswith("--config: missing value; see: ")
    assert caught.value.message.endswith(" --help run")


def test_unknown_log_level_lists_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        parsed("-l", "loud")
    expected = "--log-level LOUD: must be one of DEBUG, INFO, WARNING, ERROR"
    assert str(caught.value) == expected


# -- fabric.yaml


@pytest.mark.parametrize(
    ("defaults", "name", "value"),
    [
        ({"config": "x"}, "config_file", "x"),
        ({"muddler": "a"}, "muddler", ["a"]),
        ({"muddler": ["a", "b"]}, "muddler", ["a", "b"]),
        ({"set": "a=1"}, "params", {"a": "1"}),
        ({"set": ["a=1", "b=c=d"]}, "params", {"a": "1", "b": "c=d"}),
        ({"set": {"a": 1, "b": True, "c": "1e3", "d": None}}, "params", {"a": 1, "b": True, "c": "1e3", "d": None}),
        ({"user": "me"}, "ssh_user", "me"),
        ({"pass": "secret"}, "ssh_pass", "secret"),
        ({"log_level": "debug"}, "log_level", "DEBUG"),
        ({"log-level": "debug"}, "log_level", "DEBUG"),
        ({"screen": "mine"}, "screen", "mine"),
        ({"kill": False}, "kill_first", False),
        ({"zombie": False}, "no_zombie", True),
        ({"no_zombie": True}, "no_zombie", True),
        ({"no-kill": True}, "kill_first", False),
        ({"no_kill": False}, "kill_first", True),
        ({"always_copy": True}, "always_copy", True),
        ({"extra_args": "x"}, "extra_args", "x"),
        ({"arg_parser": "p.py"}, "arg_parser", "p.py"),
        ({"terminate": True}, "terminate", True),
        ({"screen": None}, "screen", "runner"),
        ({"parallel": 3}, "parallel", 3),
        ({"host_keys": "strict"}, "host_keys", "strict"),
        ({"keep_going": True}, "keep_going", True),
        ({"max_failures": 2}, "max_failures", 2),
        ({"retries": 2}, "retries", 2),
        ({"io_timeout": 2}, "io_timeout", 2),
        ({"limit": "a"}, "limit", "a"),
    ],
)
def test_default_stands_in_fabric_yaml(defaults: dict[str, Any], name: str, value: object) -> None:
    assert getattr(read_options({}, defaults), name) == value


@pytest.mark.parametrize(
    ("given", "defaults", "name", "value"),
    [
        ({"screen": "given"}, {"screen": "yaml"}, "screen", "given"),
        ({"kill": True}, {"kill": False}, "kill_first", True),
        ({"always_copy": False}, {"always_copy": True}, "always_copy", False),
        ({"extra_args": ""}, {"extra_args": "yaml"}, "extra_args", ""),
        ({"muddler": ["given"]}, {"muddler": ["yaml"]}, "muddler", ["given"]),
        ({"muddler": None}, {"muddler": ["yaml"]}, "muddler", ["yaml"]),
        ({"set": ["a=1"]}, {"set": {"a": 2, "b": 3}}, "params", {"a": "1"}),
        ({"set": None}, {"set": {"a": 2}}, "params", {"a": 2}),
    ],
)
def test_command_line_beats_fabric_yaml(
    given: dict[str, Any], defaults: dict[str, Any], name: str, value: object
) -> None:
    assert getattr(read_options(given, defaults), name) == value


@pytest.mark.parametrize(
    ("defaults", "message"),
    [
        ({"scren": "x"}, "fabric.yaml/remote_runner.scren: unknown option; did you mean screen?"),
        ({"xyz": "x"}, f"fabric.yaml/remote_runner.xyz: unknown option; must be one of {NAMES}"),
        ({"screen": 3}, "fabric.yaml/remote_runner.screen: invalid value 3; must be a string"),
        ({"on_exit": "go"}, "--on-exit go: must be one of leave, stop"),
        ({"no_kill": "maybe"}, "fabric.yaml/remote_runner.kill: invalid value 'maybe'; must be true or false"),
        ({"kill": "no"}, "fabric.yaml/remote_runner.kill: invalid value 'no'; must be true or false"),
        ({"parallel": True}, "fabric.yaml/remote_runner.parallel: invalid value True; must be a whole number"),
        ({"parallel": 0}, "--parallel 0: must be a number from 1 to 1,000,000"),
        ({"max_failures": -1}, "--max-failures -1: must be a number from 0 to 1,000,000"),
        ({"retries": -1}, "--retries -1: must be a number from 0 to 1,000,000"),
        ({"io_timeout": 0}, "--io-timeout 0: must be a number from 1 to 1,000,000"),
        ({"host-keys": "no"}, "--host-keys no: must be one of accept-new, strict"),
        ({"kill": 0}, "fabric.yaml/remote_runner.kill: invalid value 0; must be true or false"),
        ({"muddler": 3}, "fabric.yaml/remote_runner.muddler: invalid value 3; must be a string or a list of strings"),
        (
            {"muddler": [3]},
            "fabric.yaml/remote_runner.muddler: invalid value [3]; must be a string or a list of strings",
        ),
        (
            {"set": [3]},
            "fabric.yaml/remote_runner.set: invalid value [3]; must be a string or a list of strings, each NAME=VALUE, or"
            " a mapping of names to values",
        ),
        ({"always_copy": []}, "fabric.yaml/remote_runner.always_copy: invalid value []; must be true or false"),
        ({"pass": 123456}, "fabric.yaml/remote_runner.pass: invalid value of type int; must be a string"),
        ({3: "x"}, f"fabric.yaml/remote_runner.3: unknown option; must be one of {NAMES}"),
        ("x", "fabric.yaml/remote_runner: invalid type str; must be a mapping of option names to values"),
        (["x"], "fabric.yaml/remote_runner: invalid type list; must be a mapping of option names to values"),
    ],
)
def test_invalid_default_is_refused(defaults: Any, message: str) -> None:
    assert refused(defaults) == message


def test_yaml_strings_are_parsed_like_options(tmp_path: Path) -> None:
    """YAML reads 1e3 as a string, and `8` in quotes is meant as on the command line."""
    text = f"util.params(rate=1.0, clients=4, mode='')\n{COMPLETE}"
    config = str(write(tmp_path / "cfg.py", text))
    options = read_options({}, {"config": config, "set": {"rate": "1e3", "clients": "8", "mode": "8"}})
    assert load(options).parameters == {"rate": 1000.0, "clients": 8, "mode": "8"}
    with pytest.raises(ConfigError, match=r"^--set mode=8 \(int\): must be a str; declared: "):
        load(read_options({}, {"config": config, "set": {"mode": 8}}))
