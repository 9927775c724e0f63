"""Packages that a host needs, and the commands of its package manager that install them. Pure."""

from collections.abc import Sequence

import attrs

from ..remote import shell
from ..remote.package_managers import UNATTENDED
from ..remote.script import Script, load

# Packages that scripts need. They have the same name in every distribution. tools.sh tests them. Any awk will do.
NEEDED = ("screen", "openssl", "tar", "coreutils", "findutils", "grep", "sed", "gawk")
# Scripts need the GNU versions of these. Smaller ones, for example in BusyBox, lack some options.
OF_GNU = ("tar", "coreutils", "findutils", "grep")


@attrs.frozen
class Manager:
    """The package manager of a host.

    `line` is a key of UNATTENDED. `is_root` says whether the login user is root, and `has_sudo` whether sudo is
    installed.
    """

    line: str
    is_root: bool
    has_sudo: bool

    def by_hand(self, packages: Sequence[str]) -> str:
        """Return the command that a person can type, with sudo or a hint if root must run it."""
        command = " ".join([self.line, *packages])
        return command if self.is_root else f"sudo {command}" if self.has_sudo else f"{command}, as root"

    def unattended(self, packages: Sequence[str]) -> str:
        """Return the sh command that installs packages without asking a question.

        It is empty if the user is not root and the host has no sudo.
        """
        if not self.is_root and not self.has_sudo:
            return ""
        sudo = "" if self.is_root else "sudo -n "
        return " ".join([sudo + f"; {sudo}".join(UNATTENDED[self.line]), *map(shell.quote, packages)])


def install_script(manager: Manager, packages: Sequence[str]) -> Script:
    """Return the script that installs packages.

    It fails with the last line that the package manager prints, or if sudo wants a password.
    """
    by_hand = "" if manager.is_root else manager.by_hand(packages)
    return load("install", install=manager.unattended(packages), by_hand=by_hand)
