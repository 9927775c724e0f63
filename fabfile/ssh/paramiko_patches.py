"""Patches of paramiko: code that depends on its internals.

Each patch has its reason, and a report for the authors of paramiko. `tests/unit/test_patches.py` fails if anything that
a patch depends on changes.
"""

import errno
import math
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, ClassVar

import paramiko
from paramiko.common import cMSG_GLOBAL_REQUEST
from paramiko.config import SSHConfig, SSHConfigDict
from paramiko.packet import Packetizer
from paramiko.ssh_exception import IncompatiblePeer

from ..util.limits import MOST_IN_A_PACKET
from .watched_socket import WatchedSocket

PARAMIKO: Any = paramiko.Transport  # its tables of algorithms are private
CURVE, OLD_CURVE = "curve25519-sha256", "curve25519-sha256@libssh.org"  # two names of the same key exchange
SHA1_ETM = "hmac-sha1-etm@openssh.com"
OLD = re.compile("md5|-96$|-cbc$")  # ssh offers none of these unless the ssh config adds it
NO_AGREEMENT = "no algorithm in common for {}: the host offers {}; the ssh config and paramiko allow {}"
# Special characters of `Host` patterns, which paramiko matches with fnmatch.
PATTERN = frozenset("*?![")


class IndexedSSHConfig(SSHConfig):
    """The entries of another ssh config, with an index by host name. Entries added to the other later are missing.

    Report for paramiko 5.1.0:

    - What happens: `SSHConfig.lookup` compares a host name with every `Host` line, twice. For 500 hosts with one entry
      each, the lookups take 6 s.
    - Expected: an entry whose `Host` line has no pattern is found by its name.
    - To reproduce: build a text of 500 entries `Host n1`, `Host n2` and so on. Call `SSHConfig.from_text(text)`, and
      then `lookup` for each name.
    """

    def __init__(self, other: SSHConfig) -> None:
        super().__init__()
        self._config: list[dict[str, Any]] = entries(other)
        self._everywhere: list[int] = []
        self._by_name: dict[str, list[int]] = defaultdict(list)
        for number, entry in enumerate(self._config):
            names = entry.get("host", ())  # a `Match` entry has no names
            if not names or any(PATTERN.intersection(name) for name in names):
                self._everywhere.append(number)
                continue
            for name in names:
                self._by_name[name].append(number)

    def _lookup(self, hostname: str, *args: Any, **kwargs: Any) -> SSHConfigDict:
        relevant = _WithoutFqdn()
        numbers = {*self._everywhere, *self._by_name.get(hostname, ())}
        relevant._config = [self._config[number] for number in sorted(numbers)]  # type: ignore[attr-defined]
        return relevant._lookup(hostname, *args, **kwargs)  # type: ignore[attr-defined,no-any-return]


class _WithoutFqdn(SSHConfig):
    """An ssh config that asks for this machine's full name only if a value contains `%l`, the token for it.

    Report for paramiko 5.1.0:

    - What happens: `SSHConfig.lookup` calls `socket.getfqdn` for each `IdentityFile`. Without an entry in /etc/hosts,
      that asks a name server, which may take a minute.
    - Expected: the name is looked up if a value contains `%l`, as in OpenSSH.
    - To reproduce: remove the name of the machine from /etc/hosts, and enter a name server that does not answer. Call
      `SSHConfig.from_text("IdentityFile ~/.ssh/id").lookup("h")`.
    """

    _wants_fqdn = False

    def _tokenize(self, config: SSHConfigDict, target_hostname: str, key: str, value: str) -> str:
        self._wants_fqdn = "%l" in value
        return super()._tokenize(config, target_hostname, key, value)  # type: ignore[misc,no-any-return]

    def _allowed_tokens(self, key: str) -> list[str]:
        tokens = super()._allowed_tokens(key)  # type: ignore[misc]
        return [token for token in tokens if token != "%l" or self._wants_fqdn]


def entries(config: SSHConfig) -> list[dict[str, Any]]:
    """Return the parsed entries of an ssh config, for which paramiko has no public access."""
    return config._config  # type: ignore[attr-defined,no-any-return]


class LimitedPacketizer(Packetizer):
    """A packetizer that refuses a packet of more than MOST_IN_A_PACKET bytes.

    Report for paramiko 5.1.0:

    - What happens: paramiko reads as many bytes as the first four bytes of a packet say, and keeps them in memory. Any
      server can make a client allocate 2 GB before the login.
    - Expected: an error, as in OpenSSH, where PACKET_MAX_SIZE is 256 kB.
    - To reproduce: let a server send `SSH-2.0-x`, a newline, and then `7f ff ff f4` again and again. Connect to it.
    """

    def read_all(self, n: int, check_rekey: bool = False) -> bytes:
        """Read `n` bytes, as in paramiko. Raise OSError if these are too many."""
        if n > MOST_IN_A_PACKET:
            raise OSError(errno.EPROTO, f"invalid SSH packet of {n:,} bytes")
        return super().read_all(n, check_rekey)


def _without_old(names: Iterable[str]) -> list[str]:
    return [name for name in names if not OLD.search(name)]


class FastTransport(paramiko.Transport):
    """A paramiko transport over a `WatchedSocket`, with a limit on packet sizes, fast ciphers and more algorithms.

    The GCM ciphers are the fastest, because they include the MAC.

    Report for paramiko 5.1.0:

    - What happens: paramiko knows `curve25519-sha256` only by its old name, and `hmac-sha1-etm@openssh.com` not at all.
      It cannot connect to servers that offer nothing else. Its error does not say what the server offers.
    - Expected: both names, as in OpenSSH, and an error with the algorithms of both sides.
    - To reproduce: start sshd with `KexAlgorithms curve25519-sha256`, and connect to it.
    """

    _kex_info: ClassVar[dict[str, Any]] = {**PARAMIKO._kex_info, CURVE: PARAMIKO._kex_info[OLD_CURVE]}
    _preferred_kex = (*PARAMIKO._preferred_kex, CURVE)
    _mac_info: ClassVar[dict[str, Any]] = {**PARAMIKO._mac_info, SHA1_ETM: PARAMIKO._mac_info["hmac-sha1"]}
    _preferred_macs = (*_without_old(PARAMIKO._preferred_macs), SHA1_ETM)
    _preferred_ciphers = tuple(sorted(_without_old(PARAMIKO._preferred_ciphers), key=lambda name: "gcm" not in name))

    def __init__(self, sock: Any, **kwargs: Any) -> None:
        self._line = WatchedSocket(sock)
        super().__init__(self._line, packetizer_class=LimitedPacketizer, **kwargs)  # type: ignore[arg-type]  # like a socket
        self.are_passwords_refused = False  # `Login` obeys it: an impostor might get them

    @property
    def preferred_keys(self) -> tuple[str, ...]:
        """Return the host key algorithms to offer, in the given order. paramiko would add certificates at the end."""
        preferred: tuple[str, ...] = self._preferred_keys  # type: ignore[attr-defined]
        return preferred

    def _parse_kex_init(self, m: paramiko.Message) -> None:
        """Agree on algorithms. If that is impossible, raise an error with those of both sides."""
        offered = self._really_parse_kex_init(paramiko.Message(m.asbytes()))  # type: ignore[attr-defined]
        try:
            super()._parse_kex_init(m)  # type: ignore[misc]
        except IncompatiblePeer as error:
            self.packetizer.complete_handshake()  # ends a timer, which would keep the socket open for 15 s
            raise IncompatiblePeer(self._disagreement(offered) or str(error)) from error

    def _disagreement(self, offered: Mapping[str, list[str]]) -> str:
        for kind, name, ours in (
            ("KexAlgorithms", "kex_algo_list", self.preferred_kex),
            ("HostKeyAlgorithms", "server_key_algo_list", self.preferred_keys),
            ("Ciphers", "server_encrypt_algo_list", self.preferred_ciphers),
            ("MACs", "server_mac_algo_list", self.preferred_macs),
        ):
            if not set(offered[name]) & set(ours):
                return NO_AGREEMENT.format(kind, ", ".join(offered[name]), ", ".join(ours))
        return ""

    farewell = ""  # the reason that the peer gave for closing the connection
    host_key_proof: tuple[bytes, bytes] | None = None  # its key, and its signature of the key exchange

    def _parse_disconnect(self, m: paramiko.Message) -> None:
        """Keep the reason, which paramiko only logs: for example `Too many authentication failures`."""
        m.get_int()
        self.farewell = m.get_text()

    def _verify_key(self, host_key: bytes, sig: bytes) -> None:
        """Keep the signature of the first key exchange, which binds an agent to the host."""
        super()._verify_key(host_key, sig)  # type: ignore[misc]
        if self.host_key_proof is None:
            self.host_key_proof = host_key, sig

    def watch(self, interval: float, times: int) -> None:
        """Send a keepalive request after each `interval` seconds in which we send nothing else.

        Drop the peer if it is silent for `times` requests in a row.

        Report for paramiko 5.1.0:

        - What happens: the request of `Transport.set_keepalive` wants no reply. So a client cannot detect a frozen
          host, whose kernel goes on to acknowledge packets.
        - Expected: requests that want a reply, and a limit on those without one. See ServerAliveCountMax in
          ssh_config(5).
        - To reproduce: connect, call `set_keepalive(1)`, and stop sshd and its children with SIGSTOP. The transport
          stays active.
        """
        self._line.most_silent = interval * (times + 1)
        self._line.most_received = math.inf
        request = paramiko.Message()
        request.add_byte(cMSG_GLOBAL_REQUEST)
        request.add_string("keepalive@openssh.com")
        request.add_boolean(True)

        def send_request() -> None:
            # This thread also performs key exchanges. Until one has ended, only its own packets may be sent.
            if self.clear_to_send.is_set():
                self.packetizer.send_message(request)

        self.packetizer.set_keepalive(interval, send_request)


def send(transport: paramiko.Transport, message: paramiko.Message) -> None:
    """Send a message to the host, after a key exchange that is going on.

    Report for paramiko 5.1.0:

    - What happens: `AuthHandler` is the only way to log in. A key that cannot sign ends its thread, and with it the
      connection. It never asks whether the host accepts a key, so that each key of an agent must sign.
    - Expected: an error for that key alone, and a method that offers a key without a signature (RFC 4252, section 7).
    - To reproduce: add a key to an agent with `ssh-add -c`, where nobody can confirm, and then a good one.
    """
    transport._send_user_message(message)  # type: ignore[attr-defined]


def finish_login(transport: paramiko.Transport) -> None:
    """Begin the compression that waits for the login. Only the thread that reads from the host may call this."""
    transport._auth_trigger()  # type: ignore[attr-defined]


def algorithms(keyword: str) -> tuple[Collection[str], Sequence[str]]:
    """Return all algorithms that paramiko knows for a keyword of the ssh config, and those that it offers usually."""
    own: Any = FastTransport
    return {
        "KexAlgorithms": (own._kex_info, own._preferred_kex),
        "Ciphers": (own._cipher_info, own._preferred_ciphers),
        "MACs": (own._mac_info, own._preferred_macs),
        "HostKeyAlgorithms": (own._key_info, own._preferred_keys),
    }[keyword]


def limit_backlog(channel: paramiko.Channel, most: int) -> None:
    """Limit the bytes that `channel` may send before the peer extends its window.

    Report for paramiko 5.1.0:

    - What happens: `Channel.send` uses the whole window of the peer, which is 2 MB in OpenSSH. sshd copies its buffer
      for each packet that makes it grow. With a full buffer, 2,000 small files to 8 hosts take 1.6 times as long.
    - Expected: an option for the most bytes in flight.
    - To reproduce: send 100 MB to `cat >/dev/null` on several hosts at once, and compare the CPU time of sshd.
    """
    with channel.lock:
        channel.out_window_size = min(channel.out_window_size, most)
