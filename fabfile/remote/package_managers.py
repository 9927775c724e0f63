"""The package managers that hosts may have. The header of every script lists them; see prologue.sh."""

# Commands that install packages as root without asking a question. The key is the command that a person would type. The
# names of the packages follow the last command.
UNATTENDED = {
    "apt-get install": ("apt-get update", "env DEBIAN_FRONTEND=noninteractive apt-get install -y"),
    "dnf install": ("dnf install -y",),
    "yum install": ("yum install -y",),
    "zypper install": ("zypper --non-interactive install",),
    "pacman -S": ("pacman -S --noconfirm",),
    "apk add": ("apk add --update-cache",),
}
