"""Run a script on a host and return its answer."""

import contextlib
import getpass
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from ..util.clock import Clock
from ..util.errors import ConnectionLost, HostError, ScriptNotRun
from ..util.limits import MOST_ANSWERED, MOST_LOSSES, RECONNECT_SECONDS, SHELL_SECONDS, SOUND_SECONDS
from .conversation import Conversation
from .host import Host
from .script import IMPOSSIBLE, TOO_LONG, Script, command

RETRY_SECONDS = 1
BORN_NS = time.time_ns()  # when this process began; it shows two controllers which of them is older

T = TypeVar("T")


@contextlib.contextmanager
def conversation(
    host: Host, script: Script, most_blocks: int = 0, patience: float = 0, most_answered: float = MOST_ANSWERED
) -> Iterator[Conversation]:
    """Run `script` on `host` over one channel; yield the conversation with it. Raise HostError.

    The script may be silent for `patience` seconds more than `host.most_silent`. See `Conversation` for the others.
    """
    controller = f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()},"  # for other users of the host
    sent = script.sent_by(controller, BORN_NS, host.group)
    talk = Conversation(host.run(command(sent)), most_blocks, host.most_silent, patience, most_answered, host.clock)
    try:
        talk.send(sent)
        yield talk
    except ScriptNotRun as error:
        talk.close()  # sshd may allow only one session
        raise error.named(login_shell(host)) from error
    except ConnectionLost as error:
        raise talk.reason() or error from error
    finally:
        host.identity = talk.identity or host.identity
        talk.close()


def login_shell(host: Host) -> str:
    """Return the path of the login shell of `host`, or an empty text if it is unknown. See `script.IMPOSSIBLE`."""
    try:
        talk = Conversation(host.run(IMPOSSIBLE), most_silent=SHELL_SECONDS)
        with contextlib.closing(talk):
            talk.answer()
    except HostError as error:  # the caller has another error to report
        said = error.said if isinstance(error, ScriptNotRun) else ""
        if said.startswith("/") and said.endswith(TOO_LONG):
            return said.removesuffix(TOO_LONG)
    return ""


def ask(host: Host, script: Script, patience: float = 0) -> list[str]:
    """Return all records that `script` answers on `host`; `patience` as in `conversation`. Raise HostError."""
    with conversation(host, script, patience=patience) as talk:
        return list(talk.answers())


def persistently(attempt: Callable[[], T], lost: Callable[[str], None], clock: Clock) -> T:
    """Return the result of `attempt`, and repeat it when the connection is lost meanwhile.

    Call `lost` with the reason of each loss. Raise HostError if the host cannot be reached again within
    RECONNECT_SECONDS, if it is lost MOST_LOSSES times with no SOUND_SECONDS in between, or for any other error.
    """
    give_up, losses = 0.0, 0
    while True:
        try:
            return attempt()
        except ConnectionLost as error:
            lost(str(error))
            give_up = clock.monotonic() + RECONNECT_SECONDS
            losses = 1 if error.after > SOUND_SECONDS else losses + 1
            if losses >= MOST_LOSSES:
                raise HostError(f"{error}, repeatedly") from error
        except HostError:
            if clock.monotonic() > give_up:
                raise
        clock.sleep(RETRY_SECONDS)  # do not ask a host that is away all the time
