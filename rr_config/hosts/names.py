"""Spellings of a host: `user@host:port`, IPv6 addresses with or without brackets, and `ssh://` URIs. Pure."""

import re
from typing import NamedTuple
from urllib.parse import unquote

URI = "ssh://"
# The host is a name or an IPv4 address; anything in brackets; or an IPv6 address, which contains two colons. A user may
# contain an `@`, as in ssh. It cannot begin like a URI: ssh would log in to `SSH://u@h` as the user `SSH://u`.
SPELLING = re.compile(
    r"(?:(?P<user>(?!\w+://)[^@\s-][^\s]*)@)?"
    r"(?:\[(?P<bracketed>[^\[\]@\s/-][^\[\]@\s/]*)\](?::(?P<its_port>[0-9]+))?"
    r"|(?P<name>[^@:\[\s/-][^@:\s/]*)(?::(?P<port>[0-9]+))?"
    r"|(?P<address>[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[^@\[\]\s/]*))"
)


class HostName(NamedTuple):
    """The parts of a spelled host. `user` and `port` are None if the spelling has none."""

    user: str | None
    host: str
    port: int | None

    def __str__(self) -> str:
        """Return the usual spelling: an IPv6 address has brackets if a port follows it."""
        is_address = ":" in self.host
        host = f"[{self.host}]" if is_address and self.port else self.host
        port = f":{self.port}" if self.port else ""
        return f"{self.user}@{host}{port}" if self.user else host + port


def parsed(text: str) -> HostName | None:
    """Return the parts of a spelled host, or None if the spelling or the port is invalid.

    >>> parsed("alice@[fd00::1]:2222")
    HostName(user='alice', host='fd00::1', port=2222)
    >>> parsed("ssh://node1/")
    HostName(user=None, host='node1', port=None)
    >>> parsed("node1:port")
    """
    is_uri = text.startswith(URI)
    match = SPELLING.fullmatch(_without_uri(text) if is_uri else text)
    if match is None or (is_uri and match["address"]):  # in a URI, an IPv6 address needs brackets
        return None
    port = match["port"] or match["its_port"]
    user = match["user"]
    if is_uri and user:
        user = unquote(user.partition(";")[0])  # ssh ignores the parameters behind a semicolon
    if port and not 0 < int(port) < 65536:
        return None
    host = match["bracketed"] or match["name"] or match["address"]
    return HostName(user, host, int(port) if port else None)


def _without_uri(text: str) -> str:
    return text.removeprefix(URI).removesuffix("/").removesuffix(":")


def usual(text: object) -> object:
    """Return the usual spelling of a host in place of a URI, which would not do as the name of a folder.

    Return any other value as it is. `localhost` in a URI gets brackets. Alone it would mean this machine without SSH.

    >>> usual("ssh://alice@[::1]:2222/")
    'alice@[::1]:2222'
    >>> usual("ssh://localhost")
    '[localhost]'
    """
    if not isinstance(text, str) or not text.startswith(URI):
        return text
    name = parsed(text)
    if name is None:
        return text
    spelled = str(name)
    return f"[{spelled}]" if spelled == "localhost" else spelled


def parsed_or_raise(text: str) -> HostName:
    """Return `parsed(text)`. Raise ValueError if it is invalid."""
    name = parsed(text)
    if name is None:
        raise ValueError(f"{text!r}: invalid host; must be HOST, USER@HOST:PORT, [IPV6-ADDRESS]:PORT or an ssh:// URI")
    return name
