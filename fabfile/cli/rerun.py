"""The words of a command line by which another command finds the same sessions, from where this one was given."""

from pathlib import Path

from fabric import Config as Settings

from rr_config import Options

from ..ssh.connection import key_files


def same_hosts(options: Options) -> list[str]:
    """The options by which another command finds the same sessions; no password among them."""
    named = {
        "--config": options.config_file,
        "--user": options.ssh_user,
        "--screen": options.screen,
        "--arg-parser": options.arg_parser,
        "--extra-args": options.extra_args,
        "--limit": options.limit,
        "--host-keys": options.host_keys,
    }
    words = [word for name, value in named.items() if value is not None for word in (name, value)]
    return words + [word for muddler in options.muddler for word in ("--muddler", muddler)]


def same_commands(settings: Settings) -> list[str]:
    """Fabric's option, before the command, by which this fabfile is found again."""
    project = settings._project_prefix
    return ["-r", project] if project and not Path.cwd().is_relative_to(project) else []


def same_settings(settings: Settings) -> list[str]:
    """Fabric's options by which another command reaches the hosts in the same way."""
    found = {
        "-f": [settings._runtime_path],
        "--ssh-config": [settings._runtime_ssh_path],
        "--identity": map(str, key_files(settings.connect_kwargs)),
    }
    return [word for name, values in found.items() for value in values if value for word in (name, value)]
