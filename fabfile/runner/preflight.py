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
    session = options.session_of(config)
    if not is_session_name(session):  # screen would change or misread it
        raise ConfigError(f"--screen {session!r}: {SESSION_NAME_HINT}")
    if options.terminate and not any(component.wait for component in config.all_components()):
        raise ConfigError("--terminate: no component has wait = True; set it for at least one component")
    missing = [key for key in identity_files(settings) if not key.is_file()]
    if missing:
        raise ConfigError(*(f"-i/--identity: {key}: no such file; must be a private key" for key in missing))
    try:
        hosts = sorted(config.all_hosts())
        group = HostGroup(hosts, connection_settings(settings, options.ssh_pass), options, clock)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    hint = "are the same login; use one spelling in all components"
    twice = [f"{one}, {other}: {hint}" for one, other in group.spelled_twice()]
    if twice:
        raise ConfigError(*twice)
    return group


def identity_files(settings: Settings) -> list[Path]:
    """Return the key files that `-i` and `connect_kwargs.key_filename` name."""
    return key_files(settings.connect_kwargs)
