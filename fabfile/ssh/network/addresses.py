"""Connect to a host name that may have several addresses; none of them blocks the others.

RFC 8305 ("Happy Eyeballs") describes the procedure. The families take turns. An address gets a start of
STAGGER_SECONDS before the next one is tried beside it. The first connection wins. A name with one address costs no more
than a plain `connect`.
"""

import errno
import fcntl
import os
import selectors
import socket
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path
from typing import NamedTuple

from rr_config.errors import os_reason

from .errors import Unreachable

STAGGER_SECONDS = 0.25  # "Connection Attempt Delay" of RFC 8305, section 5
PAUSE_SECONDS = 1  # between two rounds of ConnectionAttempts, as in ssh
FAMILIES = {"any": socket.AF_UNSPEC, "inet": socket.AF_INET, "inet6": socket.AF_INET6}
HINT = "check the host and the network, or raise --connect-timeout"
SIOCGIFADDR = 0x8915  # the request for the IPv4 address of an interface, see netdevice(7)


# An address as `socket.connect` takes it; the last form is that of machines without IPv6.
Where = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


class AddressesFailed(Unreachable):
    """No address of a host accepts the connection. `reasons` holds the problem of each address."""

    def __init__(self, reasons: Mapping[str, OSError]) -> None:
        first = next(iter(reasons.values()))
        super().__init__(first.errno, os_reason(first))
        self.reasons = reasons

    def described(self, host: str) -> str:
        """Return each address and its reason. An address that is also the name of the host is omitted."""
        parts = []
        for address, reason in self.reasons.items():
            parts.append(_reason(reason) if address == host else f"{address}: {_reason(reason)}")
        if any(isinstance(reason, TimeoutError) for reason in self.reasons.values()):
            parts.append(HINT)
        return "; ".join(parts)


def _reason(error: OSError) -> str:
    return "timed out" if isinstance(error, TimeoutError) else os_reason(error).lower()


class Choice(NamedTuple):
    """The settings of the ssh config about addresses; see AddressFamily, BindAddress and BindInterface there."""

    family: int = socket.AF_UNSPEC
    bind_address: str | None = None
    bind_interface: str | None = None
    attempts: int = 1


def choice_of(ssh_config: Mapping[str, str]) -> Choice:
    """Return the settings of an ssh config. Raise ValueError if one is invalid."""
    family = ssh_config.get("addressfamily", "any").lower()
    if family not in FAMILIES:
        raise ValueError(f"AddressFamily {family} in the ssh config: must be one of {', '.join(FAMILIES)}")
    attempts = ssh_config.get("connectionattempts", "1")
    if not attempts.isdecimal() or int(attempts) < 1:
        raise ValueError(f"ConnectionAttempts {attempts} in the ssh config: must be at least 1")
    return Choice(
        family=FAMILIES[family],
        bind_address=ssh_config.get("bindaddress"),
        bind_interface=ssh_config.get("bindinterface"),
        attempts=int(attempts),
    )


class Address(NamedTuple):
    """One address of a host: its family, and the address as `socket.connect` takes it."""

    family: int
    where: Where

    @property
    def name(self) -> str:
        """Return the numeric address, with the interface of a link-local one."""
        return socket.getnameinfo(self.where, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0]


def connect(host: str, port: int, choice: Choice, seconds: float) -> socket.socket:
    """Return a socket that is connected to the first address of `host` that accepts.

    Each address gets `seconds`. Raise AddressesFailed if none accepts, and socket.gaierror if the name is unknown.
    """
    addresses = addresses_of(host, port, choice.family)
    for _ in range(choice.attempts - 1):
        try:
            return _Race(addresses, choice, seconds).winner()
        except AddressesFailed:
            time.sleep(PAUSE_SECONDS)
    return _Race(addresses, choice, seconds).winner()


def addresses_of(host: str, port: int, family: int) -> list[Address]:
    """Return the addresses of a host, each once. The families take turns, and the first one is the system's choice."""
    found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
    return interleaved(dict.fromkeys(Address(info[0], info[4]) for info in found))


def interleaved(addresses: Iterable[Address]) -> list[Address]:
    """Return the addresses so that the families take turns; the order within a family stays."""
    by_family: dict[int, list[Address]] = {}
    for address in addresses:
        by_family.setdefault(address.family, []).append(address)
    rounds = zip_longest(*by_family.values())
    return [address for address in chain.from_iterable(rounds) if address is not None]


class _Race:
    """Connections to several addresses at the same time, of which the first one wins."""

    def __init__(self, addresses: Sequence[Address], choice: Choice, seconds: float) -> None:
        self._waiting = iter(addresses)
        self._choice, self._seconds = choice, seconds
        self._deadlines: dict[socket.socket, float] = {}
        self._of: dict[socket.socket, Address] = {}
        self._reasons: dict[str, OSError] = {}

    def winner(self) -> socket.socket:
        """Return the first socket that is connected, with the timeout of `seconds`. Close all others."""
        with selectors.PollSelector() as selector:
            try:
                won = self._first(selector)
                del self._of[won]
            finally:
                for loser in self._of:
                    loser.close()
        won.settimeout(self._seconds)
        return won

    def _first(self, selector: selectors.BaseSelector) -> socket.socket:
        is_more = self._start_next(selector)
        while self._deadlines or is_more:
            for sock in self._ended(selector, is_more):
                problem = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                if not problem:
                    return sock
                self._lose(selector, sock, OSError(problem, os.strerror(problem)))
            self._drop_silent(selector)
            # After a failure the next address starts at once, else after the pause: both are over here.
            is_more = is_more and self._start_next(selector)
        raise AddressesFailed(self._reasons)

    def _ended(self, selector: selectors.BaseSelector, is_more: bool) -> Iterator[socket.socket]:
        """Yield the sockets that connected or failed, at most after the pause before the next address."""
        if not self._deadlines:
            return
        pause = max(min(self._deadlines.values()) - time.monotonic(), 0)
        for key, _ in selector.select(min(pause, STAGGER_SECONDS) if is_more else pause):
            yield key.fileobj  # type: ignore[misc]  # only sockets are registered

    def _start_next(self, selector: selectors.BaseSelector) -> bool:
        """Begin to connect to the next address. Return False if none is left."""
        for address in self._waiting:
            try:
                sock = self._started(address)
            except OSError as error:
                self._reasons[address.name] = error
                continue
            selector.register(sock, selectors.EVENT_WRITE)
            self._of[sock] = address
            self._deadlines[sock] = time.monotonic() + self._seconds
            return True
        return False

    def _started(self, address: Address) -> socket.socket:
        sock = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            source = source_of(self._choice, address.family)
            if source:
                sock.bind(source)
            sock.setblocking(False)
            problem = sock.connect_ex(address.where)
            if problem not in (0, errno.EINPROGRESS):
                raise OSError(problem, os.strerror(problem))
        except BaseException:
            sock.close()
            raise
        return sock

    def _lose(self, selector: selectors.BaseSelector, sock: socket.socket, reason: OSError) -> None:
        selector.unregister(sock)
        del self._deadlines[sock]
        self._reasons[self._of.pop(sock).name] = reason
        sock.close()

    def _drop_silent(self, selector: selectors.BaseSelector) -> None:
        now = time.monotonic()
        for sock in [sock for sock, deadline in self._deadlines.items() if deadline <= now]:
            self._lose(selector, sock, TimeoutError(errno.ETIMEDOUT, os.strerror(errno.ETIMEDOUT)))


def source_of(choice: Choice, family: int) -> Where | None:
    """Return the local address to bind to, or None for any. BindAddress wins over BindInterface, as in ssh.

    Raise OSError if there is none of that family.
    """
    if choice.bind_address is not None:
        try:
            found = socket.getaddrinfo(choice.bind_address, None, family, socket.SOCK_STREAM, 0, socket.AI_PASSIVE)
        except socket.gaierror as error:
            raise OSError(errno.EADDRNOTAVAIL, f"BindAddress {choice.bind_address}: {os_reason(error)}") from error
        return found[0][4]
    if choice.bind_interface is None:
        return None
    address = _ipv4_of if family == socket.AF_INET else _ipv6_of
    return (address(choice.bind_interface), 0)


def _ipv4_of(interface: str) -> str:
    request = struct.pack("256s", interface.encode()[:15])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            return socket.inet_ntoa(fcntl.ioctl(sock, SIOCGIFADDR, request)[20:24])
        except OSError as error:
            raise _no_address(interface, "IPv4") from error


def _ipv6_of(interface: str) -> str:
    """Return the first IPv6 address of an interface that is not link-local; see /proc/net/if_inet6."""
    for line in Path("/proc/net/if_inet6").read_text().splitlines():
        digits, _, _, scope, _, name = line.split()
        if name == interface and scope != "20":
            return socket.inet_ntop(socket.AF_INET6, bytes.fromhex(digits))
    raise _no_address(interface, "IPv6")


def _no_address(interface: str, family: str) -> OSError:
    return OSError(errno.EADDRNOTAVAIL, f"BindInterface {interface} has no {family} address")
