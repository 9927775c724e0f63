"""Bring the samples of what a host and its components use, without the other files of a collection."""

from collections.abc import Sequence
from pathlib import Path

from rr_config import Component

from ..remote.ask import conversation
from ..remote.host import Host
from ..remote.script import DONE
from ..util.limits import MOST_BLOCKS
from .collect import fetch
from .remote_files import read_listed, usage_script


def bring_samples(host: Host, session: str, components: Sequence[Component], folder: Path) -> None:
    """Write the samples of `host` and `components` into `folder`, where a collection would have them.

    A file that vanishes meanwhile is left out: its component is being started again. Raise HostError if the host fails.
    """
    with conversation(host, usage_script(session, components), most_blocks=MOST_BLOCKS) as talk:
        listed = read_listed(components, iter(talk.answer, DONE))
        fetch(talk, list(listed.results.values()), folder, lambda done, total: None)
        talk.send(b"end - 0\n")
        list(talk.answers())
