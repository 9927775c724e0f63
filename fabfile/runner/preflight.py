"""Checks before any host is touched, of options that depend on the config or on settings."""

from pathlib import Path

from fabric import Config as Settings

from rr_config import Config, ConfigError, Options
from rr_config.options import check
from rr_config.rules import SESSION_NAME_HINT, is_session_name

from ..ssh.connection import connection_settings, key_files
from ..ssh.host_group import HostGroup
from ..util.clock import Clock


def checked_group(config: Config, options: Options, settings: Settings, clock: Clock) -> HostGroup:
    """Return the hosts of `config`. Raise ConfigError for invalid options."""
    check(options)
    _check_session_name(options.session_of(config))
    _check_terminate(config, options)
    _check_identities(settings)
    try:
        hosts = sorted(config.all_hosts())
        group = HostGroup(hosts, connection_settings(settings, options.ssh_pass), options, clock)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    twice = [
        f"{one}, {other}: are the same login; use one spelling in all components"
        for one, other in group.spelled_twice()
    ]
    if twice:
        raise ConfigError(*twice)
    return group


def _check_session_name(name: str) -> None:
    """Refuse names that screen would change or misread."""
    if not is_session_name(name):
        raise ConfigError(f"--screen {name!r}: {SESSION_NAME_HINT}")


def _check_terminate(config: Config, options: Options) -> None:
    """Refuse `--terminate` if there is nothing to wait for."""
    if options.terminate and not any(component.wait for component in config.all_components()):
        raise ConfigError("--terminate: no component has wait = True; set it for at least one component")


def _check_identities(settings: Settings) -> None:
    """Refuse key files that do not exist, from `-i` or `connect_kwargs.key_filename`."""
    missing = [key for key in identity_files(settings) if not key.is_file()]
    if missing:
        raise ConfigError(*(f"-i/--identity: {key}: no such file; must be a private key" for key in missing))


def identity_files(settings: Settings) -> list[Path]:
    """Return the key files that `-i` and `connect_kwargs.key_filename` name."""
    return key_files(settings.connect_kwargs)
