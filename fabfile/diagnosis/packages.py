"""What has to be installed on a host, and the commands by which its package manager brings what it lacks. Pure."""

from collections.abc import Sequence

import attrs

from ..remote import shell
from ..remote.script import Script, load

# Packages that scripts need, which have the same name everywhere; doctor.sh tests them.
NEEDED = ("screen", "openssl", "tar", "coreutils", "findutils", "grep", "sed")
# Of these there are smaller ones, as in BusyBox, that cannot do all that is wanted.
OF_GNU = ("tar", "coreutils", "findutils", "grep")

# What is run as root, without a question to anybody, where the package manager is called by the command that is
# the key; the packages follow.
UNATTENDED = {
    "apt-get install": ("apt-get update", "env DEBIAN_FRONTEND=noninteractive apt-get install -y"),
    "dnf install": ("dnf install -y",),
    "yum install": ("yum install -y",),
    "zypper install": ("zypper --non-interactive install",),
    "pacman -S": ("pacman -S --noconfirm",),
    "apk add": ("apk add --update-cache",),
}


@attrs.frozen
class Manager:
    """The package manager of a host: `line`, a key of UNATTENDED; whether root logs in, and whether there is a sudo."""

    line: str
    is_root: bool
    has_sudo: bool

    def by_hand(self, packages: Sequence[str]) -> str:
        """The command that a person may give, and who has to."""
        command = " ".join([self.line, *packages])
        return command if self.is_root else f"sudo {command}" if self.has_sudo else f"{command}, as root"

    def unattended(self, packages: Sequence[str]) -> str:
        """The command that asks nobody, as sh text; empty where nobody can become root."""
        if not self.is_root and not self.has_sudo:
            return ""
        commands = [("" if self.is_root else "sudo -n ") + command for command in UNATTENDED[self.line]]
        return " ".join(["; ".join(commands), *map(shell.quote, packages)])


def install_script(manager: Manager, packages: Sequence[str]) -> Script:
    """Return the script that installs packages.

    It fails with the last line that the package manager prints, or if sudo wants a password.
    """
    by_hand = "" if manager.is_root else manager.by_hand(packages)
    return load("install", install=manager.unattended(packages), by_hand=by_hand)
