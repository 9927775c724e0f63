"""Ask the installed OpenSSH for the settings of a host: `ssh -G HOST`."""

import os
import pwd
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from .keywords import LISTS, QUOTED
from .lookup import Login, Settings
from .reader import Sources
from .words import joined

# `ssh -G` prints `true` and `false` for settings that have other values besides.
SPELLED = {"true": "yes", "false": "no"}
WITH_MORE_VALUES = {"addkeystoagent", "canonicalizehostname", "controlmaster", "pubkeyauthentication", "requesttty"}
WITH_MORE_VALUES |= {"stricthostkeychecking", "tunnel", "updatehostkeys", "verifyhostkeydns"}
SYSTEM = Path("/etc/ssh/ssh_config")
# A `Match exec` of the user may take long, but must not block for ever.
MOST_SECONDS = 60
NO_COMMAND = "Cannot fork into background without a command"
NOISE = ("Pseudo-terminal will not be allocated", "terminating,")


def ask(ssh: str, sources: Sources, login: Login) -> Settings:
    """Return the settings of a host that differ from the defaults of ssh.

    Raise ValueError with the message of ssh if it refuses the config.
    """
    options, config = _arguments(sources)
    given: list[str | Path] = []
    if login.user is not None:
        given += ["-l", login.user]
    if login.port is not None:
        given += ["-p", str(login.port)]
    rest = [*options, *given, "-G", "--", login.host]
    try:
        output = _output([ssh, *rest], config)
    except ValueError as error:
        if NO_COMMAND not in str(error):
            raise
        output = _output([ssh, "-oForkAfterAuthentication=no", *rest], config) + "forkafterauthentication yes\n"
    found = parsed(output)
    usual = defaults(ssh)
    return without_derived({key: value for key, value in found.items() if _is_set(key, value, usual, login)})


def _arguments(sources: Sources) -> tuple[list[str | Path], bytes]:
    """Return options for ssh, and the content of its stdin, which is a config that includes other files."""
    if sources.only:
        return ["-F", sources.only], b""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    if sources.user == home / ".ssh/config" and sources.system == SYSTEM:
        return [], b""
    files = [each for each in (sources.user, sources.system) if each and each.is_file()]
    lines = "".join(f'Include "{file}"\nMatch all\n' for file in files)
    return ["-F", "/dev/stdin"], os.fsencode(lines)


def _is_set(keyword: str, value: str | list[str], usual: Settings, login: Login) -> bool:
    if keyword in ("user", "port") and getattr(login, keyword) is not None:
        return True
    return keyword == "hostname" or (keyword != "host" and value != usual.get(keyword))


def without_derived(settings: Settings) -> Settings:
    """Return the settings without those that ssh derives from others, and that no file sets."""
    derived = set()
    if {"userknownhostsfile", "verifyhostkeydns"} & settings.keys() and settings.get("updatehostkeys") == "no":
        derived.add("updatehostkeys")
    if settings.get("batchmode") == "yes" and settings.get("serveraliveinterval") == "300":  # Debian's default then
        derived.add("serveraliveinterval")
    return {keyword: value for keyword, value in settings.items() if keyword not in derived}


@cache
def defaults(ssh: str) -> Settings:
    """Return the settings of ssh without any config."""
    return parsed(_output([ssh, "-F", "none", "-G", "--", "host"], b""))


def _output(command: list[str | Path], config: bytes) -> str:
    """Return what ssh prints. Raise ValueError with its message if it fails."""
    with open(os.memfd_create("ssh_config"), "w+b") as stdin:  # noqa: PTH123 - it has no path; ssh may read it twice
        stdin.write(config)
        stdin.flush()
        stdin.seek(0)
        try:
            done = subprocess.run(command, stdin=stdin, capture_output=True, timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise ValueError(f"ssh -G took more than {MOST_SECONDS} s; check Match exec in the ssh config") from error
    if done.returncode:
        raise ValueError(_message(done.stderr.decode("utf-8", "replace").splitlines()) or f"ssh -G: {done.returncode}")
    return done.stdout.decode("utf-8", "surrogateescape")


def _message(lines: Iterable[str]) -> str:
    """Return what is wrong with the config, in one line."""
    return "; ".join(line.strip().rstrip(".") for line in lines if line.strip() and not any(n in line for n in NOISE))


def parsed(output: str) -> Settings:
    """Return the settings that `ssh -G` has printed, by keyword in lower case."""
    settings: Settings = {}
    for line in output.split("\n"):
        name, _, value = line.partition(" ")
        keyword = name.lower()
        if keyword in LISTS:
            values = settings.setdefault(keyword, [])
            assert isinstance(values, list)
            values.append(value)
        elif keyword in QUOTED:  # names with a blank look like two files, because ssh prints no quotes
            settings[keyword] = joined(tuple(value.split(" ")))
        elif keyword:
            settings[keyword] = SPELLED.get(value, value) if keyword in WITH_MORE_VALUES else value
    return settings
