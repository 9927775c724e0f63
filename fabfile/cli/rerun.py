"""Command lines that reach the same hosts and sessions from the current folder, as hints for the user."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from fabric import Config as Settings

from rr_config import Options

from ..runner.preflight import identity_files


def command_line(command: Sequence[str], options: Options, settings: Settings) -> str:
    """Return the whole command line of `command` with the same hosts and session; no password is in it.

    If a password is needed, the command line asks for it.
    """
    asking = ["--prompt-for-login-password"] if options.ssh_pass or settings.connect_kwargs.get("password") else []
    program = [Path(sys.argv[0]).name, *same_commands(settings)]
    return shlex.join([*program, *command, *same_hosts(options), *same_settings(settings), *asking])


def same_hosts(options: Options) -> list[str]:
    """Return the options with which another command finds the same sessions, without a password."""
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
    """Return Fabric's option, in front of the command, with which `fab` finds this fabfile again."""
    project = settings._project_prefix
    return ["-r", project] if project and not Path.cwd().is_relative_to(project) else []


def same_settings(settings: Settings) -> list[str]:
    """Return Fabric's options with which another command reaches the hosts in the same way."""
    found = {
        "-f": [settings._runtime_path],
        "--ssh-config": [settings._runtime_ssh_path],
        "--identity": map(str, identity_files(settings)),
    }
    return [word for name, values in found.items() for value in values if value for word in (name, value)]
