"""Run a script on a host and return its answer."""

import contextlib
import getpass
import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from ..util.errors import ConnectionLost, HostError
from . import shell
from .conversation import MOST_ANSWERED, Conversation
from .host import Host

T = TypeVar("T")

RECONNECT_SECONDS = 60


RETRY_SECONDS = 1


SOUND_SECONDS = 5  # a host that has answered for so long was well


MOST_LOSSES = 30  # of a host that is not well in between


BORN_NS = time.time_ns()  # by which controllers know which of them is older


@contextlib.contextmanager
def conversation(
    host: Host,
    body: str,
    most_blocks: int | None = None,
    patience: float = 0,
    most_answered: float = MOST_ANSWERED,
) -> Iterator[Conversation]:
    """Run the script `body` (see `shell.script`) on `host`, over one channel; the rest is as in `Conversation`.

    It may say nothing for `patience` seconds more than hosts usually may.
    """
    script = shell.script(body, _controller(), BORN_NS, host.group)
    talk = Conversation(host.channel(script), most_blocks, host.most_silent, patience, most_answered)
    try:
        talk.send(script)
        yield talk
    except ConnectionLost as error:
        raise talk.reason() or error from error
    finally:
        host.identity = talk.identity or host.identity
        talk.close()


def _controller() -> str:
    """Who this is, for others."""
    return f"{getpass.getuser()}@{socket.gethostname()}, process {os.getpid()},"


def ask(host: Host, body: str, patience: float = 0) -> list[str]:
    """All that the script `body` answers on `host`; `patience` as in `conversation`."""
    with conversation(host, body, patience=patience) as talk:
        return list(talk.answers())


def persistently(attempt: Callable[[], T], lost: Callable[[str], None]) -> T:
    """The result of `attempt`, which is made again where the connection is lost in the middle of it.

    `lost` is told of each loss. HostError where the host cannot be reached again within RECONNECT_SECONDS, where it is
    lost again and again (MOST_LOSSES, with no SOUND_SECONDS in between), or for another reason than a loss.
    """
    give_up, losses = 0.0, 0
    while True:
        try:
            return attempt()
        except ConnectionLost as error:
            lost(str(error))
            give_up = time.monotonic() + RECONNECT_SECONDS
            losses = 1 if error.after > SOUND_SECONDS else losses + 1
            if losses >= MOST_LOSSES:
                raise HostError(f"{error}, again and again") from error
        except HostError:
            if time.monotonic() > give_up:
                raise
        time.sleep(RETRY_SECONDS)  # a host that is away is not to be asked all the time
