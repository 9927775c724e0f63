"""Private parts of Fabric that have no public access; see `paramiko_patches`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fabric import Config
from paramiko.config import ConfigParseError, SSHConfig

from .paramiko_patches import entries

# An entry without a setting. It stands for the ssh config files, which `config` reads.
UNREAD: dict[str, Any] = {"host": [], "config": {}, "unread": True}


class SharedSettings(Config):  # type: ignore[misc]  # Fabric has no types
    """Settings whose copies share the ssh config.

    Report for Fabric 3.2.3:

    - What happens: `Config.clone` makes a new `SSHConfig` of the entries. A subclass of `SSHConfig` is lost, and
      `Connection` clones the settings for each gateway, which takes long for many entries.
    - Expected: the clone has the same object, or a copy of it.
    - To reproduce: set `base_ssh_config` to an instance of a subclass, and look at that of `clone()`.
    """

    def _clone_init_kwargs(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        return {**super()._clone_init_kwargs(*args, **kwargs), "ssh_config": self.base_ssh_config}


class UnreadSettings(Config):  # type: ignore[misc]  # Fabric has no types
    """Settings without the entries of ssh config files.

    Report for Fabric 3.2.3 and paramiko 5.1.0:

    - What happens: `Config()` parses ~/.ssh/config by paramiko, which fails for `Match final all`. The files of Fedora
      and RHEL contain that.
    - Expected: a way to load the settings without the ssh config, other than `lazy`, which loads nothing at all.
    - To reproduce: write `Match final all` into ~/.ssh/config. Call `fabric.Config()`.
    """

    def _load_ssh_files(self) -> None:
        leave_unread(self)


def leave_unread(settings: Config) -> None:
    """Note that the files have to be read. Raise FileNotFoundError if the file of `-S` is missing, as Fabric does."""
    path = settings._runtime_ssh_path
    if path is not None:
        Path(path).expanduser().stat()
    if path is not None or settings.load_ssh_configs:
        entries(settings.base_ssh_config)[:] = [UNREAD]


def ssh_config_files(settings: Config) -> tuple[Path | None, Path | None, Path | None]:
    """Return the path of the only ssh config that Fabric reads, or those of the user and the system.

    Report for Fabric 3.2.3:

    - What happens: `Config` has setters for the paths of ssh configs, but no public way to read them.
    - Expected: properties for the three paths.
    - To reproduce: find out from a `Config` which file `-S` has named.
    """
    if settings._runtime_ssh_path:
        return Path(settings._runtime_ssh_path).expanduser(), None, None
    if not settings.load_ssh_configs:
        return None, None, None
    return None, Path(settings._user_ssh_path).expanduser(), Path(settings._system_ssh_path).expanduser()


def has_own_entries(settings: Config) -> bool:
    """Return whether the ssh config of `settings` was given as an object, and does not come from the files."""
    found = entries(settings.base_ssh_config)
    if found == [UNREAD] or not settings._given_explicit_object:
        return False
    return found != _parsed(path for path in ssh_config_files(settings) if path and path.is_file())


def _parsed(paths: Iterable[Path]) -> list[dict[str, Any]] | None:
    """Return the entries that Fabric would find in the files, or None if paramiko cannot parse them."""
    config = SSHConfig()
    try:
        for path in paths:
            with path.open() as file:
                config.parse(file)
    except (OSError, ValueError, ConfigParseError):
        return None
    return entries(config)
