"""What has to be installed on a host, and the commands by which its package manager brings what it lacks. Pure."""

from collections.abc import Sequence

import attrs

from ..remote import shell

# By the name of its package, which is the same everywhere: what succeeds where it is there and does what scripts want.
NEEDED = {
    "screen": "command -v screen",
    "openssl": "command -v openssl",
    "tar": "head -c 10240 /dev/zero | tar -xPpmof -",
    "coreutils": "stat -L --printf '' / && dd iflag=fullblock,count_bytes count=0 status=none",
    "findutils": "find / -maxdepth 0 -printf '' && xargs -0 -r true",
    "grep": "echo | grep -qz --line-buffered ''",
    "sed": "command -v sed",
}
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


def install_script(manager: Manager, packages: Sequence[str]) -> str:
    """Installs packages; fails with the last line that the package manager says, or where sudo wants a password."""
    by_hand = shell.quote(manager.by_hand(packages))
    return ("" if manager.is_root else f"by_hand={by_hand}\n{SUDO}") + (
        f"said=$({{ {manager.unattended(packages)}; }} 2>&1 </dev/null) ||\n"
        '  fail "the package manager ended with exit status $?: $(printf %s "$said" | tail -n 1)"\n'
    )


SUDO = """\
sudo -n true </dev/null >/dev/null 2>&1 ||
  fail "sudo wants a password there, or refuses; allow it without one (NOPASSWD), or give there by hand: $by_hand"
"""
