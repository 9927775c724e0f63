"""Owners of sessions, and the first check of a host before anything changes. Pure; see `scripts/ownership.sh`.

A session belongs to the config and the user that started it. Another owner must not end or change it by accident.
"""

import getpass
import json
import socket
from collections.abc import Iterable, Sequence
from datetime import datetime

import attrs

from rr_config import Config, Options
from rr_config.files.paths import local_path

from ..remote.script import Script, Value, load
from ..util.epoch import epoch_time
from ..util.text import counted, printable


@attrs.frozen
class Owner:
    """An owner of sessions. `identity` is the same text for the same owner; `text` describes the owner to people.

    Both are one line, because a file on the host holds them.
    """

    identity: str
    text: str

    def values(self, replace: bool) -> dict[str, Value]:
        """Return the values that ownership.sh wants; with `replace`, it accepts sessions of others."""
        return {"owner": self.identity, "owner_text": self.text, "replace": replace}


def owner_of(config: Config, options: Options) -> Owner:
    """Return the owner of sessions of `config`: its project and the user here, or else its path, user and machine."""
    user, machine = getpass.getuser(), socket.gethostname()
    if config.project is not None:
        identity = json.dumps(["project", config.project, user])
        return Owner(identity, printable(f"project {config.project} of {user}", "?"))
    path = str(local_path(options.config_file).absolute()) if options.config_file else "a Python program"
    identity = json.dumps(["config", path, user, machine])
    return Owner(identity, printable(f"{path} of {user}@{machine}", "?"))


@attrs.frozen
class Foreign:
    """A session that belongs to another owner: since when, by the clock of the host, and how many components run."""

    session: str
    owner: str
    since: int
    running: int

    def __str__(self) -> str:
        since = f"{datetime.fromtimestamp(self.since):%Y-%m-%d %H:%M}"
        runs = f"{counted(self.running, 'component')} {'runs' if self.running == 1 else 'run'} in it"
        return f'session "{self.session}" belongs to {self.owner} since {since}; {runs}'

    @property
    def refusal(self) -> str:
        """The reason why a command does not touch it, with two ways on."""
        return f"{self} (choose another session with --screen NAME, or take this one over with --replace)"


def connect_script(
    session: str,
    owner: Owner,
    replace: bool,
    tools: str = "screen",
    requirements: Sequence[Value] = (),
    in_session: bool = False,
) -> Script:
    """Return the script that checks whether a host is ready for a command. It changes nothing.

    It fails if one of `tools` or `requirements` (see `requirements.as_arguments`) is missing, or with `in_session` if
    the session is missing. It answers whether the session belongs to another owner.
    """
    values = owner.values(replace)
    return load("connect", *requirements, session=session, tools=tools, in_session=in_session, **values)


def read_connect(session: str, answers: Sequence[str]) -> Foreign | None:
    """Return what `connect_script` answered: the session of another owner, if there is one."""
    if "checked" not in answers:
        raise ValueError("missing the answer that the host is ready")
    return read_foreign(session, answers)


def read_foreign(session: str, answers: Iterable[str]) -> Foreign | None:
    """Return the session of another owner that an answer `foreign COUNT SINCE TEXT` describes, if there is one."""
    for answer in answers:
        if answer.startswith("foreign "):
            _, count, since, text = answer.split(" ", 3)
            return Foreign(session, text, epoch_time(int(since)), int(count))
    return None
