"""The state directory: what a host keeps of a session. Pure; `scripts/state_dir.sh` finds and creates it.

`${XDG_STATE_HOME:-$HOME/.local/state}/remote-runner/MACHINE/SESSION/`, mode 0700. MACHINE is the host's name for
itself (`uname -n`): machines may share a home, but neither sessions nor process ids. It holds one folder for each
component:

    launcher       the script that runs it       launcher.pid   process id of the launcher
    pid            process id of the program     status         its exit status, once it has ended
    started        when, in seconds since 1970   ended          likewise
    born           `started` as the kernel counts it; with the id, it identifies the process
    begun          `born` of the program; that of a daemon replaces `born`
    following      that the launcher looks for a daemon, or follows it
    tag            a resource limit that marks the program and all that it starts; see `scripts/launcher.sh`
    ticket         the ticket of the newest start; `begun.TICKET` is created by the window that carries it out
    output         all that its window showed    times          when that had grown, and to which size
    usage.csv      samples of what it uses; see `scripts/sampler.sh`
    base_dir       path of its temporary folder, if it has one
    origin         what it was started with, as JSON (see `results.provenance`)
    stopped        that this tool is ending it   length        size of `output` without the lines that screen adds
    closed         that its window was closed    boot          the boot id of the host when it was started
    session        the screen session that it was started in, as PID.NAME
    window         the number of its window there
    ready          when it became ready, if it has a condition; `check` and `check.output`: of util.command
    unready        why a start has given up waiting for that
    unexecuted     that the program could not be executed
    status.room    space for `status`, reserved while the disk has room; likewise `ended.room`
    signal.room    what sh says of the signal that has ended the program

`status` is 137-exit, for example, if the program itself has ended with 137 (see `shell.read_status`).

Files of the session begin with a dot, so that no component can have their names:

    .sessions      screen sessions that were started here, as PID.NAME
    .owner         the owner of the session: identity, description, and since when
    .cgroups       paths of the session's cgroups, if the host lets its user create one
    .logging       the session whose windows are logged
    .screenrc      the settings of the session
    .windows.PID   commands for screen, from a start script
    .screen.PID    the errors of screen when a session is started
    .command.PID   the command that a wait script has received
    .list.PID      the paths that a sync script works on
    .staging       the folders into which a sync puts files first
    .note-times    the note-taker's script
    .noting        process id and screen session of the note-taker
    .sample        the interval of samples in seconds
    .usage.csv     samples of what the host uses
    .held.PID.BORN a claim to change the session (see `scripts/session_lock.sh`)
"""

import hashlib
import re
from collections.abc import Iterable

from rr_config import Component

# The variable that marks a program and all that it starts. Its value is the folder of the component.
MARK = "REMOTE_RUNNER_COMPONENT"

UNSAFE = re.compile(rb"[^A-Za-z0-9_.-]|^[.-]")
LONGEST = 200


def folder(name: str) -> str:
    """Return the name of a component's folder: a different one for each name, safe in sh, screen and any path."""
    encoded = name.encode("utf-8", "surrogateescape")
    safe = UNSAFE.sub(lambda match: b"=%02X" % match[0][0], encoded).decode()
    if len(safe) <= LONGEST:
        return safe
    # No encoded name has '==': an '=' is always followed by two digits.
    return f"{safe[: LONGEST - 42]}=={hashlib.sha1(encoded, usedforsecurity=False).hexdigest()}"


def folders(components: Iterable[Component]) -> str:
    """Return the folders of components, separated by spaces."""
    return " ".join(folder(component.name) for component in components)


def by_folder(components: Iterable[Component]) -> dict[str, Component]:
    """Return the components by the name of their folder."""
    return {folder(component.name): component for component in components}
