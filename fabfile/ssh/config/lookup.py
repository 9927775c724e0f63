"""Find the settings of a host in the rules of the config files, as ssh does.

`Lookup` applies the rules in their order. The first value of a setting wins. `Match final` repeats that with the name
that the settings gave to the host.
"""

import contextlib
import os
import pwd
import socket
from pathlib import Path
from typing import NamedTuple, TypeAlias

import attrs

from .keywords import CUMULATIVE, LISTS, QUOTED
from .patterns import matches, matches_any, matches_list
from .reader import Condition, Criterion, Doubt, Entry, HostLine, Rules
from .tokens import EXPANDED_BY_SSH, Target, expanded
from .values import Value
from .words import NotPlainError, joined

Settings: TypeAlias = dict[str, str | list[str]]

# Settings for which `none` is the same as no line.
CLEARED_BY_NONE = {"controlpath", "knownhostscommand", "localcommand", "pkcs11provider", "proxycommand", "proxyjump"}
CLEARED_BY_NONE |= {"remotecommand", "revokedhostkeys", "securitykeyprovider"}
FAMILIES = {"inet": socket.AF_INET, "inet6": socket.AF_INET6}


class Login(NamedTuple):
    """The host to log in to, and the user and port if they were given in front of the ssh config."""

    host: str
    user: str | None = None
    port: int | None = None


def local_user() -> str:
    """Return the name of the user who runs this program."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return os.environ.get("USER", "")


def look_up(rules: Rules, login: Login) -> Settings:
    """Return the settings of a host that some line sets. Raise NotPlainError if only ssh knows them."""
    lookup = Lookup(rules, login)
    lookup.apply(login.host, is_final=False)
    host = lookup.target_host()
    if rules.wants_final:
        lookup.first["hostname"] = host
        lookup.apply(host, is_final=True)
    return lookup.finished(host)


@attrs.define
class Lookup:
    """The settings found so far: the first value of each keyword, and lists of values that add up."""

    rules: Rules
    login: Login
    first: dict[str, Value] = attrs.field(factory=dict)
    lists: dict[str, list[str]] = attrs.field(factory=dict)
    _files: dict[str, Path] = attrs.field(factory=dict)
    _seen: set[tuple[str, str, bool]] = attrs.field(factory=set)

    def __attrs_post_init__(self) -> None:
        if self.login.user is not None:
            self.first["user"] = self.login.user
        if self.login.port is not None:
            self.first["port"] = str(self.login.port)

    @property
    def user(self) -> str:
        """Return the user to log in as."""
        return str(self.first.get("user") or local_user())

    def apply(self, host: str, is_final: bool) -> None:
        """Add the settings of all entries whose conditions hold. `host` is the name for `Host` lines."""
        known: dict[int, bool] = {}  # settings of an included file do not change the conditions around it

        def holds(condition: Condition) -> bool:
            if id(condition) not in known:
                known[id(condition)] = self._holds(condition, host, is_final)
            return known[id(condition)]

        for entry in self.rules.relevant(host):
            if all(map(holds, entry.conditions)):
                for keyword, value in entry.settings:
                    if isinstance(value, Doubt):
                        raise NotPlainError(value.where)
                    if value is not None:
                        self._set(keyword, value, entry)

    def _holds(self, condition: Condition, host: str, is_final: bool) -> bool:
        if isinstance(condition, Doubt):
            raise NotPlainError(condition.where)
        if isinstance(condition, HostLine):
            return matches_any(host, condition.patterns)
        return all(self._meets(criterion, is_final) != criterion.is_negated for criterion in condition)

    def _meets(self, criterion: Criterion, is_final: bool) -> bool:
        argument = criterion.argument
        match criterion.name:
            case "all":
                return True
            case "final":
                return is_final
            case "host":
                return matches_list(_lower(self._hostname()), _lower(argument))
            case "originalhost":
                return matches_list(_lower(self.login.host), _lower(argument))
            case "user":
                return matches_list(self.user, argument)
            case _:
                return matches_list(local_user(), argument)

    def _hostname(self) -> str:
        """Return the name after `HostName`, which may contain the one that was given."""
        name = self.first.get("hostname")
        if name is None:
            return self.login.host
        text = str(name)
        if set(text.replace("%%", "").replace("%h", "")) & {"%"}:
            raise self._doubt("hostname")
        return "%".join(part.replace("%h", self.login.host) for part in text.split("%%"))

    def _doubt(self, keyword: str) -> NotPlainError:
        return NotPlainError(f"{self._files[keyword]}: {keyword} {self.first[keyword]}")

    def _expanded(self, text: str, keyword: str, target: Target) -> str:
        if "%j" in text or ("%C" in text and target.jump):  # versions of ssh differ
            raise self._doubt(keyword)
        try:
            return expanded(text, keyword, target)
        except ValueError as error:
            raise NotPlainError(f"{self._files[keyword]}: {error}") from error

    def _set(self, keyword: str, value: str | tuple[str, ...], entry: Entry) -> None:
        self._files.setdefault(keyword, entry.path)
        if keyword in CUMULATIVE:
            for each in value:
                self._append(keyword, each, entry.is_user)
        elif keyword in ("proxycommand", "proxyjump"):
            if self.first.get("proxyjump") == "none":
                raise self._doubt("proxyjump")  # versions of ssh differ about what follows
            if not {"proxycommand", "proxyjump"} & self.first.keys():
                self.first[keyword] = value
        elif keyword == "rekeylimit":
            for part, each in zip(("rekeylimit", "rekeyseconds"), value, strict=False):
                self.first.setdefault(part, each)
        else:
            self.first.setdefault(keyword, value)

    def _append(self, keyword: str, value: str, is_user: bool) -> None:
        """Add a value. ssh ignores a repeated one, except for SendEnv, where a `-` removes earlier ones."""
        values = self.lists.setdefault(keyword, [])
        if keyword == "sendenv" and value.startswith("-"):
            values[:] = [each for each in values if not matches(each, value[1:])]
            return
        key = (keyword, value, is_user)
        if keyword == "sendenv" or key not in self._seen:
            values.append(value)
        self._seen.add(key)

    def target_host(self) -> str:
        """Return the name or address to connect to: addresses in their usual form, names in lower case."""
        if self.first.get("canonicalizehostname", "no") != "no":
            raise self._doubt("canonicalizehostname")
        host = self._hostname()
        family = FAMILIES.get(str(self.first.get("addressfamily")), socket.AF_UNSPEC)
        only_address = "%" in host or ":" in host or not host.strip("0123456789.")
        if only_address or host[0].isdigit():
            usual = _usual_address(host, family)
            if only_address or usual:
                return usual or host
        return _lower(host)

    def finished(self, host: str) -> Settings:
        """Return all settings, spelled as `ssh -G` prints them."""
        self._tidy(host)
        target = self._target(host)
        found: Settings = {}
        for keyword, value in self.first.items():
            words = (value,) if isinstance(value, str) else value or ()
            if keyword in EXPANDED_BY_SSH and keyword != "hostname":
                words = tuple(self._expanded(each, keyword, target) for each in words)
            if keyword in LISTS:
                found[keyword] = list(words)
            else:
                found[keyword] = joined(words) if keyword in QUOTED else " ".join(words)
        return found | {keyword: values for keyword, values in self.lists.items() if values}

    def _tidy(self, host: str) -> None:
        first = self.first
        first["hostname"] = host
        for keyword in CLEARED_BY_NONE:
            if str(first.get(keyword, "")).lower() == "none":
                del first[keyword]
        if "hostkeyalias" in first:
            first["hostkeyalias"] = str(first["hostkeyalias"]).lower()
        if "rekeylimit" in first:
            first["rekeylimit"] = f"{first['rekeylimit']} {first.pop('rekeyseconds', 0)}"
        if first.get("clearallforwardings") == "yes":
            first.pop("tunnel", None)
            for keyword in ("dynamicforward", "localforward", "remoteforward"):
                self.lists.pop(keyword, None)
        if "proxyjump" in first:
            first.pop("proxyusefdpass", None)
            if str(first["proxyjump"]).rpartition(",")[2].rpartition("@")[2].partition(":")[0].strip("[]") == host:
                raise self._doubt("proxyjump")  # ssh refuses some loops

    def _target(self, host: str) -> Target:
        alias = str(self.first.get("hostkeyalias") or self.login.host)
        jump = str(self.first.get("proxyjump", ""))
        return Target(host, self.login.host, int(str(self.first.get("port", 22))), self.user, alias, jump)


def _lower(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)


def _usual_address(host: str, family: int) -> str:
    """Return the usual spelling of an address, or nothing if `host` is a name."""
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    with contextlib.suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(host, 22, family, socket.SOCK_STREAM, flags=flags)
        if len(found) == 1:
            usual, _ = socket.getnameinfo(found[0][4], socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)
            return host if usual.lower() == host.lower() else usual
    return ""
