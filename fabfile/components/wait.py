"""Waiting for components to end, on their hosts, and ending them: the scripts, and what they answer. Pure."""

from collections.abc import Callable, Iterator, Sequence

import attrs

from rr_config import Component

from ..remote import shell, state_dir
from ..remote.state_dir import MARK
from .launcher import LAUNCHER_LIVES, RUNNING
from .screen import PROCESSES, SESSIONS


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
        by = shell.signal_of(self.status)
        return f"was ended by {by}" if by else f"ended with exit status {self.status}"


@attrs.frozen
class NotEnded:
    """A component has not ended in the time that it was given."""

    component: Component
    is_success = False

    def __str__(self) -> str:
        return "has not ended in time"


def wait_script(session: str, awaited: Sequence[Component], terminated: Sequence[Component]) -> str:
    """Answers for each component that is awaited once it has ended.

    It ends when all have, if there is nothing to be terminated, or when an order comes: TERMINATE_ORDER has those
    ended that are to be terminated.
    """
    pending = " ".join(state_dir.folder(component.name) for component in awaited)
    folders = " ".join(state_dir.folder(component.name) for component in terminated)
    return (
        f"{state_dir.keep(session)}{SESSIONS}{PROCESSES}{RUNNING}{LAUNCHER_LIVES}"
        'cd "$state" || fail "$state cannot be entered"\n'
        f'pending="{pending}"\nfolders="{folders}"\n{WAIT}{TERMINATE}'
    )


TERMINATE_ORDER, LEAVE_ORDER = b"terminate\n", b"leave\n"


def read_ended(awaited: Sequence[Component], answer: Callable[[], str]) -> Iterator[Ended]:
    """What `wait_script` answers, as it comes."""
    by_folder = {state_dir.folder(component.name): component for component in awaited}
    for words in iter(answer, shell.DONE):
        _, folder, status = words.split(" ")
        yield Ended(by_folder[folder], int(status) if status.isdigit() else None, was_started=status != NEVER)


NEVER = "never"

# A launcher that is gone without having written down a status was killed itself. Its process id may have been given to
# another process since; to see that takes ten times as long, so it is looked up every few seconds only. sh has no
# `read` with a timeout: an order is read by another process.
WAIT = f"""\
exec 3<&0 9<>"$state/.order.$$" || fail "$state/.order.$$ cannot be made; is the disk full?"
rm -f "$state/.order.$$"  # it goes on as long as it is open
order=/proc/$$/fd/9
{{ read -r word <&3 && echo "$word" >"$order"; }} &
reader=$!
is_last=
rounds=0
while [ -n "$pending" ]; do
  ! orphaned || exit
  [ ! -s "$order" ] || is_last=yes  # with a last look, so that no end is missed that was before the order
  left=
  for folder in $pending; do
    status=
    gone=
    [ -e "$folder/launcher.pid" ] || gone={NEVER}
    {{ read -r pid <"$folder/launcher.pid" && [ -d "/proc/$pid" ]; }} 2>/dev/null || gone=${{gone:-killed}}
    [ "$gone" ] || [ $((rounds % 25)) -gt 0 ] || launcher_lives "$folder" || gone=killed
    {{ read -r status <"$folder/status"; }} 2>/dev/null
    status=${{status:-$gone}}
    if [ "$status" ]; then answer "ended $folder $status"; else left="$left $folder"; fi
  done
  pending=$left
  rounds=$((rounds + 1))
  [ -z "$is_last" ] || break
  [ -z "$pending" ] || sleep 0.2
done
"""


# LogTails the programs of $folders and all that they started; session and windows stay.
TERMINATE = f"""\
[ "$folders" ] || {{ kill "$reader"; return; }}
wait "$reader"
read -r word <"$order"
[ "$word" = terminate ] || return
servers=
roots=
for folder in $folders; do
  running "$folder" && roots="$roots $pid"
done
marks=$(for folder in $folders; do echo "{MARK}=$state/$folder"; done)
end_members
"""
