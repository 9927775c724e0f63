"""Each option is declared once: parser, help, settings, completion, validation and repeat lines follow from that."""

import inspect
import shlex
from typing import Any

import attrs
import pytest
from fabric import Config as Settings
from invoke.parser import Parser
from invoke.parser.context import ParserContext

from fabfile.cli.hints import CommandLine
from fabfile.cli.options import Option
from fabfile.cli.own_options import OWN_OPTIONS, own_options
from fabfile.cli.settings import read_options
from fabfile.runner import Runner
from rr_config import Config, ConfigError, Options
from rr_config.command_line.declarations import MOST, Declaration, Values
from rr_config.command_line.options import OPTIONS, check
from tests.support.names import COMMANDS

SHARED = pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
OWN = pytest.mark.parametrize("option", OWN_OPTIONS, ids=lambda option: f"{option.name}-{option.commands[0]}")


def parsed(*words: str, command: str = "run") -> dict[str, Any]:
    """Return the arguments of a command line, as a task receives them."""
    arguments = [Option(each) for each in (*OPTIONS, *own_options(command))]
    *_, context = Parser([ParserContext(command, args=arguments)], ParserContext()).parse_argv([command, *words])
    return context.as_kwargs


def other_value(option: Declaration) -> Any:
    """Return a valid value that is not the default."""
    default = option.translated(option.default)
    if option.kind is bool:
        return not default
    if option.kind is int:
        return (default or 0) + 1
    if option.values is Values.PATH:
        return "/some/path"
    if option.values is Values.PARAMETER:
        return ["clients=8", "mode=a=b"]
    if option.values is Values.OVER:
        return ["clients=1,2", "/some/path.csv"]
    if option.is_repeatable:
        return ["/some/path.py --x 1", "name"]
    if isinstance(option.values, Values) or not option.values:
        return "some text"
    return next(word for word in option.values if word != default)


def words_of(option: Declaration, value: Any) -> list[str]:
    if option.kind is bool:
        return [option.flag if value else option.off_flag]
    return [word for each in (value if option.is_repeatable else [value]) for word in (option.flag, str(each))]


def test_every_attribute_is_one_option() -> None:
    assert [option.attribute for option in OPTIONS] == [
        field.name for field in attrs.fields(Options) if field.name != "command"
    ]
    names = [option.name for option in OPTIONS]
    assert len({*names}) == len(names)


@SHARED
def test_default_is_the_same_everywhere(option: Declaration) -> None:
    default = getattr(Options(), option.attribute)
    for options in (read_options({}, {}), read_options(parsed(), {})):
        assert getattr(options, option.attribute) == default
    if default is not None and not option.is_repeatable:
        in_settings = read_options({}, {option.name: option.kind(option.translated(default))})
        assert getattr(in_settings, option.attribute) == default
    line = CommandLine(Config(), Options(), Settings()).text(["run"])
    assert option.flag not in line and option.off_flag not in line


@SHARED
def test_help_shows_the_default(option: Declaration) -> None:
    default = option.translated(option.default)
    if default is None or option.is_repeatable:
        assert "{default}" not in option.help
        return
    shown = {True: "yes", False: "no"}.get(default, str(default)) if option.kind is bool else str(default)
    assert "{default}" in option.help
    assert "Default: " in option.help_text and shown in option.help_text.partition("Default: ")[2]
    assert Option(option).help == option.help_text


@SHARED
def test_other_value_comes_from_all_sources(option: Declaration) -> None:
    value = other_value(option)
    expected = option.translated(value)
    if option.values is Values.PARAMETER:
        expected = {"clients": "8", "mode": "a=b"}
    given = parsed(*words_of(option, value))
    assert given[option.name] == value
    for options in (read_options(given, {}), read_options({}, {option.name: value})):
        assert getattr(options, option.attribute) == expected != getattr(Options(), option.attribute)


@SHARED
def test_repeat_line_gives_the_same_options(option: Declaration) -> None:
    options = read_options({option.name: other_value(option)}, {})
    if option.name == "extra_args":
        options.extra_args = "--no-kill 'a b'"
    text = CommandLine(Config(), options, Settings()).text(["run"])
    words = shlex.split(text)
    repeated = read_options(parsed(*words[words.index("run") + 1 :]), {}) if not option.is_secret else options
    assert repeated == options
    assert str(other_value(option)) not in text or not option.is_secret


@SHARED
def test_value_out_of_range_is_refused(option: Declaration) -> None:
    wrong: list[Any] = []
    if option.least is not None:
        wrong = [option.least - 1, MOST + 1]
    elif option.values and not isinstance(option.values, Values):
        wrong = ["no-such-word", ""]
    for value in wrong:
        options = attrs.evolve(Options(), **{option.attribute: value})
        with pytest.raises(ConfigError, match=f"^{option.flag} .*: must be "):
            check(options)


def test_all_invalid_options_are_reported_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        check(Options(parallel=0, retries=-1, host_keys="x"))
    assert [problem.partition(" ")[0] for problem in caught.value.problems] == [
        "--host-keys",
        "--parallel",
        "--retries",
    ]


@OWN
def test_own_option_has_its_default(option: Declaration) -> None:
    assert Option(option).value == option.default
    if option.kind is bool:
        assert option.default is False
    else:
        assert ("{default}" in option.help) == (option.default is not None)


@OWN
def test_own_option_belongs_to_commands(option: Declaration) -> None:
    assert option.commands and set(option.commands) <= set(COMMANDS)
    for command in option.commands:
        names = [each.name for each in (*OPTIONS, *own_options(command))]
        assert names.count(option.name) == 1


@OWN
def test_own_option_is_repeated(option: Declaration) -> None:
    value = other_value(option)
    for command in option.commands:
        needed = []
        for each in own_options(command):
            if each.is_positional and each.default is None and each.name != option.name:
                needed += [each.flag, "word"]
        given = parsed(*needed, *words_of(option, value), command=command)
        words = shlex.split(CommandLine(Config(), Options(), Settings(), given).text([command]))
        assert parsed(*words[words.index(command) + 1 :], command=command)[option.name] == value


@pytest.mark.parametrize("method", [Runner.stop, Runner.restart])
def test_python_has_the_same_grace(method: Any) -> None:
    (grace,) = [option for option in OWN_OPTIONS if option.name == "grace"]
    assert inspect.signature(method).parameters["grace"].default == grace.default
