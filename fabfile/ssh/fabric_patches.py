"""Private parts of Fabric that have no public access; see `paramiko_patches`."""

from pathlib import Path

from fabric import Config


def ssh_config_files(settings: Config) -> list[tuple[Path, Path]]:
    """Return the ssh config files that Fabric reads, each with the folder of its relative `Include` paths.

    Report for Fabric 3.2.3:

    - What happens: `Config` has setters for the paths of ssh configs, but no public way to read them.
    - Expected: properties for the three paths.
    - To reproduce: find out from a `Config` which file `-S` has named.
    """
    user, system = Path("~/.ssh").expanduser(), Path("/etc/ssh")
    files = [(settings._user_ssh_path, user), (settings._system_ssh_path, system)]
    if settings._runtime_ssh_path:
        files = [(settings._runtime_ssh_path, user)]
    return [(Path(file).expanduser(), folder) for file, folder in files]
