"""Waiting for components to end, on their hosts, and ending some: the scripts, and what they answer. Pure."""

import signal
from collections.abc import Callable, Iterator, Sequence

import attrs

from rr_config import Component

from . import state
from .launcher import MARK, RUNNING
from .sessions import PROCESSES, SESSIONS


@attrs.frozen
class Ended:
    """A component has ended; `status` as sh has it (128 and more: a signal), None where it was killed unseen.

    Not `was_started` where there was nothing to wait for.
    """

    component: Component
    status: int | None
    was_started: bool = True

    @property
    def is_success(self) -> bool:
        """Whether it ended with 0."""
        return self.status == 0

    def __str__(self) -> str:
        """How it ended, in words."""
        if not self.was_started:
            return "has not been started"
        if self.status is None:
            return "was killed, together with what would have written down its exit status"
        if self.status > 128 and self.status - 128 in set(signal.Signals):
            return f"was ended by {signal.Signals(self.status - 128).name}"
        return f"ended with exit status {self.status}"


@attrs.frozen
class NotEnded:
    """A component has not ended in the time that it was given."""

    component: Component
    is_success = False

    def __str__(self) -> str:
        return "has not ended in time"


def wait_script(session: str, awaited: Sequence[Component], others: Sequence[Component]) -> str:
    """Answers for each component that is awaited once it has ended; then ends the others, when it is told to."""
    pending = " ".join(state.folder(component.name) for component in awaited)
    folders = " ".join(state.folder(component.name) for component in others)
    return (
        f'{state.keep(session)}{SESSIONS}{PROCESSES}{RUNNING}cd "$state" || fail "$state cannot be entered"\n'
        f'pending="{pending}"\nfolders="{folders}"\n{WAIT}{TERMINATE}'
    )


TERMINATE_ORDER = b"terminate\n"


def read_ended(awaited: Sequence[Component], answer: Callable[[], str]) -> Iterator[Ended]:
    """What `wait_script` answers, as it comes, until all that are awaited have ended."""
    by_folder = {state.folder(component.name): component for component in awaited}
    for _ in awaited:
        _, folder, status = answer().split(" ")
        yield Ended(by_folder[folder], int(status) if status.isdigit() else None, was_started=status != NEVER)


NEVER = "never"

# A launcher that is gone without having written down a status was killed itself. Its process id may have been
# given to another process since, but to see that takes a program: it is looked up every few seconds only. The
# parent is who asks: our side of the connection, or the program here.
WAIT = f"""\
rounds=0
while [ -n "$pending" ]; do
  [ -d "/proc/$PPID" ] || exit
  left=
  for folder in $pending; do
    status=
    gone=
    [ -e "$folder/launcher.pid" ] || gone={NEVER}
    {{ read -r pid <"$folder/launcher.pid" && [ -d "/proc/$pid" ]; }} 2>/dev/null || gone=${{gone:-killed}}
    [ "$gone" ] || [ $((rounds % 25)) -gt 0 ] ||
      grep -qzxsF "$state/$folder/launcher" "/proc/$pid/cmdline" || gone=killed
    {{ read -r status <"$folder/status"; }} 2>/dev/null
    status=${{status:-$gone}}
    if [ "$status" ]; then answer "ended $folder $status"; else left="$left $folder"; fi
  done
  pending=$left
  rounds=$((rounds + 1))
  [ -z "$pending" ] || sleep 0.2
done
"""

# Ends the programs of $folders and all that they started; session and windows stay.
TERMINATE = f"""\
read -r order || return
servers=
roots=
for folder in $folders; do
  running "$folder" && roots="$roots $pid"
done
marks=$(for folder in $folders; do echo "{MARK}=$state/$folder"; done)
end_members
"""
