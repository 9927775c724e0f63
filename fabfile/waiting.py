"""Waiting for components to end, on their hosts, and ending some: the scripts, and what they answer. Pure."""

import signal
from collections.abc import Callable, Iterator, Sequence

import attrs

from rr_config import Component

from . import state
from .launcher import MARK
from .sessions import PROCESSES, SESSIONS


@attrs.frozen
class Ended:
    """A component has ended; `status` as sh has it (128 and more: a signal), None where it was killed unseen."""

    component: Component
    status: int | None

    @property
    def is_success(self) -> bool:
        """Whether it ended with 0."""
        return self.status == 0

    def __str__(self) -> str:
        """How it ended, in words."""
        if self.status is None:
            return "was killed, together with what would have written down its exit status"
        if self.status > 128 and self.status - 128 in set(signal.Signals):
            return f"was ended by {signal.Signals(self.status - 128).name}"
        return f"ended with exit status {self.status}"


def wait_script(session: str, awaited: Sequence[Component], others: Sequence[Component]) -> str:
    """Answers for each component that is awaited once it has ended; then ends the others, when it is told to."""
    pending = " ".join(state.folder(component.name) for component in awaited)
    folders = " ".join(state.folder(component.name) for component in others)
    return (
        f'{state.keep(session)}{SESSIONS}{PROCESSES}cd "$state" || fail "$state cannot be entered"\n'
        f'pending="{pending}"\nfolders="{folders}"\n{WAIT}{TERMINATE}'
    )


TERMINATE_ORDER = b"terminate\n"


def read_ended(awaited: Sequence[Component], answer: Callable[[], str]) -> Iterator[Ended]:
    """What `wait_script` answers, as it comes, until all that are awaited have ended."""
    by_folder = {state.folder(component.name): component for component in awaited}
    for _ in awaited:
        folder, _, status = answer().partition(" ")
        yield Ended(by_folder[folder], int(status) if status else None)


# A launcher that is gone without having written down a status was killed itself. The parent is who asks:
# our side of the connection, or the program here.
WAIT = """\
while [ -n "$pending" ]; do
  [ -d "/proc/$PPID" ] || exit
  left=
  for folder in $pending; do
    gone=
    { read -r pid <"$folder/launcher.pid" && [ -d "/proc/$pid" ]; } 2>/dev/null || gone=1
    status=
    if { read -r status <"$folder/status"; } 2>/dev/null || [ "$gone" ]; then answer "$folder $status"
    else left="$left $folder"; fi
  done
  pending=$left
  [ -z "$pending" ] || sleep 0.2
done
"""

# Ends the programs of $folders and all that they started; session and windows stay.
TERMINATE = f"""\
read -r order || return
servers=
roots=
for folder in $folders; do
  [ -s "$folder/status" ] && continue
  {{ read -r pid <"$folder/pid"; }} 2>/dev/null && roots="$roots $pid"
done
marks=$(for folder in $folders; do echo "{MARK}=$state/$folder"; done)
end_members
"""
