"""The effective options: those of the command line, then the defaults `remote_runner:` in fabric.yaml.

An invalid value raises ConfigError. `options` declares the options.
"""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rr_config import ConfigError, Options
from rr_config.options import Fallback, check

from .options import SECTION, Option, declare

if TYPE_CHECKING:
    from ..runner import Selection


PASSWORD = "REMOTE_RUNNER_PASS"


def read_options(given: Mapping[str, Any], defaults: Mapping[str, Any]) -> Options:
    """Return the options: each from the command line (`given`), or else from `defaults`, which fabric.yaml sets.

    The environment may contain the password, too. Remove it there, so that no child process inherits it.
    Raise ConfigError if a default has an unknown name or an invalid value.
    """
    secret = os.environ.pop(PASSWORD, None)
    own = _checked(defaults)

    def chosen(name: str, otherwise: Any = None) -> Any:
        values = (given.get(name), own.get(name))
        return next((value for value in values if value is not None), otherwise)

    muddlers = chosen("muddler", [])
    options = Options(
        config_file=chosen("config"),
        ssh_user=chosen("user"),
        ssh_pass=given.get("pass") or secret or own.get("pass"),
        screen=given.get("screen") or Fallback(chosen("screen", "runner")),
        replace=chosen("replace", False),
        kill_first=chosen("kill", True),
        always_copy=chosen("always_copy", False),
        no_zombie=not chosen("zombie", True),
        terminate=chosen("terminate", False),
        on_exit=chosen("on_exit"),
        muddler=[muddlers] if isinstance(muddlers, str) else list(muddlers),
        extra_args=chosen("extra_args"),
        arg_parser=chosen("arg_parser"),
        log_level=str(chosen("log_level", "INFO")).upper(),
        limit=chosen("limit"),
        host_keys=chosen("host_keys"),
        keep_going=chosen("keep_going", False),
        parallel=chosen("parallel", 64),
        max_failures=chosen("max_failures", 0),
        retries=chosen("retries", 0),
        io_timeout=chosen("io_timeout", 600),
    )
    check(options)
    return options


WORDS = {str: "a text", bool: "true or false", int: "a whole number"}


def _checked(defaults: Mapping[str, Any]) -> dict[str, Any]:
    """Return the defaults of fabric.yaml by name, with `_` for `-`. Raise ConfigError if one is invalid.

    Messages do not show values that may be a password.
    """
    if not hasattr(defaults, "items"):
        kind = type(defaults).__name__
        raise ConfigError(f"fabric.yaml/{SECTION}: is of type {kind}; it must be a mapping of option names to values")
    own: dict[str, Any] = {}
    for given, value in defaults.items():
        name, meant = _spelled_like_options(str(given).replace("-", "_"), value)
        if name in own:
            raise ConfigError(
                f"fabric.yaml/{SECTION}.{given}: is said twice, as {name} and as no_{name}, or with - and _"
            )
        own[name] = meant
    known = {str(option.name): option for option in declare()}
    for name, value in own.items():
        if name not in known:
            raise ConfigError(f"fabric.yaml/{SECTION}.{name}: there is no such option; there is {', '.join(known)}")
        if not _fits(known[name], value):
            shown = f"of type {type(value).__name__}" if name == "pass" else repr(value)
            expected = WORDS[known[name].kind] + " or a list of texts" * known[name].repeatable
            raise ConfigError(f"fabric.yaml/{SECTION}.{name}: is {shown}; it must be {expected}")
    return own


def _spelled_like_options(name: str, value: Any) -> tuple[str, Any]:
    """Return `kill` and False for `no_kill: true`, because the option on the command line is --no-kill."""
    if name.startswith("no_"):
        return name.removeprefix("no_"), not value if isinstance(value, bool) else value
    return name, value


def _fits(option: Option, value: Any) -> bool:
    values = value if option.repeatable and isinstance(value, list) else [value]
    return value is None or all(type(each) is option.kind for each in values)


def selection(given: dict[str, Any]) -> "Selection":
    """Return the part of the output that `fab logs` shows."""
    from ..runner import Selection

    follow, timestamps = bool(given["follow"]), bool(given["timestamps"])
    return Selection(given["lines"], given["since"], follow, timestamps)


def grace(given: dict[str, Any]) -> dict[str, int]:
    """Return --grace as a keyword argument of `Runner.stop`, if it was given."""
    return {} if given["grace"] is None else {"grace": given["grace"]}
