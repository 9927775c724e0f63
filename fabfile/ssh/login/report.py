"""The reason of a failed login: what was tried, in order, and what helps."""

from collections.abc import Collection, Sequence

import attrs
from paramiko import AuthenticationException

from ...util.text import counted
from .settings import METHODS, LoginSettings

REFUSED = ""
ACCEPTED = "accepted"  # but the host wants more
PASSWORD_HINT = "--prompt-for-login-password or $REMOTE_RUNNER_PASS"  # names, no secrets  # nosec B105
PASSPHRASE_HINT = "--prompt-for-passphrase"  # nosec B105
TOO_MANY = "Too many authentication failures"


class LoginRefused(AuthenticationException):
    """The host has refused the login; the message says what was tried."""


@attrs.define
class Report:
    """The attempts of a login. `offered` are the methods that the host has offered last."""

    settings: LoginSettings
    offered: Sequence[str] = ()
    _keys: list[tuple[str, str, bool]] = attrs.field(factory=list)  # label, note, whether the agent has it
    _notes: list[str] = attrs.field(factory=list)
    _hints: list[str] = attrs.field(factory=list)

    def key(self, label: str, note: str = REFUSED, is_in_agent: bool = False) -> None:
        """Note a key that was refused, or could not be used."""
        self._keys.append((label, note, is_in_agent))

    def note(self, text: str, hint: str = "") -> None:
        """Note something about a password, and what helps."""
        if text not in self._notes:
            self._notes.append(text)
        if hint and hint not in self._hints:
            self._hints.append(hint)

    @property
    def failures(self) -> int:
        """Return how many keys were refused."""
        return sum(note == REFUSED for _, note, _ in self._keys)

    def refusal(self) -> LoginRefused:
        """Return the error of a login in which nothing else can be tried."""
        notes = [*self._notes, *self._unusable()]
        if any("passphrase" in note for _, note, _ in self._keys):
            self._hints.append(PASSPHRASE_HINT)
        hints = [f"use {' and '.join(self._hints)}"] if self._hints else []
        return self._error([*notes, *hints])

    def too_many(self) -> LoginRefused:
        """Return the error if the host has closed the connection after some attempts."""
        hint = "set IdentitiesOnly yes and an IdentityFile for the host in the ssh config"
        if self.settings.identities_only:
            hint = "name fewer keys for the host in the ssh config"
        if not self.failures:
            return self._error([*self._notes, "the host closed the connection after these attempts (MaxAuthTries)"])
        stopped = f"the host stopped after {counted(self.failures, 'key')} (MaxAuthTries)"
        return self._error([*self._notes, stopped, hint])

    def _unusable(self) -> list[str]:
        """Say which methods of the host are not used, and why."""
        if not self.offered:
            return []
        disabled = [name for name in self.offered if name in METHODS and name not in self.settings.methods]
        if disabled:
            return [f"the ssh config disables {', '.join(disabled)}"]
        if not set(self.offered) & set(METHODS[1:]):
            return [f"the host accepts only {', '.join(self.offered)}"]
        return []

    def _error(self, rest: Collection[str]) -> LoginRefused:
        parts = [f"permission denied for user {self.settings.user}", f"tried {self._tried()}", *rest]
        return LoginRefused("; ".join(part for part in parts if part))

    def _tried(self) -> str:
        """Return the keys in order. Refused keys of the agent are only counted."""
        shown: list[str] = []
        count = 0
        for label, note, is_in_agent in [*self._keys, ("", REFUSED, False)]:
            if is_in_agent and note == REFUSED:
                count += 1
                continue
            if count:
                shown.append(counted(count, "agent key"))
                count = 0
            if label:
                shown.append(f"{label} ({note})" if note else label)
        return ", ".join(shown) or "no key"
