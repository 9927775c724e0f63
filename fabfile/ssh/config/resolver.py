"""The ssh config of Fabric's connections: plain settings are found in this process, and others by `ssh -G`.

`complete` puts a `Resolver` in the place of paramiko's `SSHConfig`.
"""

import contextlib
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from shutil import which

from fabric import Config
from paramiko.config import SSHConfig, SSHConfigDict

from rr_config.hosts.names import parsed

from ..fabric_patches import SharedSettings, has_own_entries, ssh_config_files
from ..paramiko_patches import IndexedSSHConfig
from .lookup import Login, Settings, look_up
from .reader import ConfigFile, Rules, Sources, read
from .tokens import ResolvedSettings
from .words import NotPlainError

# Processes of ssh at a time.
AT_ONCE = 8
# The login of the next lookup. Fabric passes only the host.
ASKED_FOR: ContextVar[Login | None] = ContextVar("ASKED_FOR", default=None)


class SshConfigError(ValueError):
    """ssh refuses the config; the message has the file and the line."""


@contextlib.contextmanager
def asked_for(login: Login) -> Iterator[None]:
    """Make the next lookup in this thread one for `login`, whose user and port `Match` and tokens may use."""
    before = ASKED_FOR.set(login)
    try:
        yield
    finally:
        ASKED_FOR.reset(before)


class Resolver(SSHConfig):
    """An ssh config that finds the same settings as `ssh -G`. Thread-safe."""

    def __init__(self, files: list[ConfigFile], sources: Sources) -> None:
        super().__init__()
        self._sources = sources
        self._rules: Rules = read(files)
        self._ssh = which("ssh")
        self._sample: Login | None = None
        self._found: dict[Login, Settings | SshConfigError] = {}
        self._lock = threading.Lock()
        self._locks: dict[Login, threading.Lock] = defaultdict(threading.Lock)
        self.by_ssh = 0  # number of hosts that ssh has resolved

    @property
    def doubts(self) -> list[str]:
        """Return the lines that only ssh understands exactly."""
        return [doubt.where for doubt in self._rules.doubts]

    def lookup(self, hostname: str) -> SSHConfigDict:
        """Return the settings of a host. Raise SshConfigError if ssh refuses the config."""
        login = ASKED_FOR.get() or Login(hostname)
        ASKED_FOR.set(None)  # a gateway that Fabric looks up afterwards has another user
        found = self.resolve(login)
        if isinstance(found, SshConfigError):
            raise found
        settings = ResolvedSettings()
        settings.has_user, settings.has_port = login.user is not None, login.port is not None
        for keyword, value in found.items():
            if keyword == "forwardagent" and value != "yes":
                value = "no"  # Fabric fails for the path of another agent, and cannot forward that
            settings[keyword] = value if isinstance(value, str) else [*value]  # type: ignore[assignment]  # as paramiko does
        return settings

    def prepare(self, logins: Iterable[Login]) -> None:
        """Resolve many hosts and their gateways, those that need ssh in several threads."""
        seen: set[Login] = set()
        waiting = list(logins)
        while waiting:
            seen.update(waiting)
            slow = [login for login in waiting if not self._is_plain(login)]
            if slow:
                from concurrent.futures import ThreadPoolExecutor  # most configs are plain

                with ThreadPoolExecutor(AT_ONCE) as pool:
                    tuple(pool.map(self.resolve, slow))
            found = [self._found[login] for login in waiting]
            jumps = {each for settings in found if isinstance(settings, dict) for each in _jumps(settings)}
            waiting = list(jumps - seen)

    def resolve(self, login: Login) -> Settings | SshConfigError:
        """Return the settings of a host, which are found once, or the error of ssh."""
        with self._lock:
            lock = self._locks[login]
        with lock:
            if not self._is_plain(login):
                self._found[login] = self._ask(login)
        return self._found[login]

    def _is_plain(self, login: Login) -> bool:
        """Return whether the settings of a host are known, or found without ssh."""
        if login not in self._found and not self._is_sample(login):
            with contextlib.suppress(NotPlainError):
                self._found[login] = look_up(self._rules, login)
        return login in self._found

    def _is_sample(self, login: Login) -> bool:
        """Return true for the first host, if a line may be wrong: ssh then refuses the config for all hosts."""
        with self._lock:
            self._sample = self._sample or login
        return bool(self._rules.doubts) and self._ssh is not None and login == self._sample

    def _ask(self, login: Login) -> Settings | SshConfigError:
        try:
            if self._ssh is None:
                return look_up(self._rules, login)
            from . import openssh  # most configs are plain

            self.by_ssh += 1
            return openssh.ask(self._ssh, self._sources, login)
        except NotPlainError as problem:
            return SshConfigError(f"{problem}: needs the program ssh, which is not installed")
        except (ValueError, OSError) as error:
            return SshConfigError(f"{self._setting(login) if ' line ' not in str(error) else ''}{error}")

    def _setting(self, login: Login) -> str:
        """Return the setting that ssh has to read, and its file, for an error of ssh that does not mention them."""
        try:
            look_up(self._rules, login)
        except NotPlainError as problem:
            return f"{problem}: "
        return ""


def _jumps(settings: Settings) -> Iterator[Login]:
    """Yield the gateways of a host."""
    for jump in filter(None, str(settings.get("proxyjump", "")).split(",")):
        name = parsed(jump.strip())
        if name:  # whoever connects reports an invalid one
            yield Login(name.host)


def complete(settings: Config) -> Config:
    """Return a copy of `settings` whose ssh config agrees with ssh. Raise ValueError if a file cannot be read.

    An `SSHConfig` of the caller, which does not come from these files, keeps its entries.
    """
    only, user, system = ssh_config_files(settings)  # before `clone`, which may change the first path
    is_own = has_own_entries(settings)
    own = settings.clone(into=SharedSettings)
    if is_own:
        own.base_ssh_config = IndexedSSHConfig(settings.base_ssh_config)
        return own
    if only:
        files = [ConfigFile(only, is_user=True, is_checked=False, is_required=True)]
    else:
        files = [
            ConfigFile(path, is_user=path is user, is_checked=path is user, is_required=False)
            for path in (user, system)
            if path
        ]
    own.base_ssh_config = Resolver(files, Sources(only, user, system))
    return own


def prepare(settings: Config, logins: Iterable[Login]) -> None:
    """Resolve many hosts at once, if the ssh config of `settings` comes from files."""
    if isinstance(settings.base_ssh_config, Resolver):
        settings.base_ssh_config.prepare(logins)


def resolver_of(path: Path) -> Resolver:
    """Return the settings of one file, as those of `-S`."""
    return Resolver([ConfigFile(path, is_user=True, is_checked=False, is_required=True)], Sources(path))
