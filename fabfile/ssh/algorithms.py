"""The algorithms that the ssh config allows for a connection, as far as paramiko knows them.

`ssh -G` prints complete lists. A list that begins with `+`, `-` or `^` changes the list of this program, as it changes
the list of ssh there. Names that paramiko does not know are dropped, unless nothing remains.
"""

import fnmatch
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from . import paramiko_patches

KEYWORDS = ("KexAlgorithms", "Ciphers", "MACs", "HostKeyAlgorithms")
CERTIFIED = "-cert-v01@openssh.com"
PLAIN_HOST_KEYS = paramiko_patches.algorithms("HostKeyAlgorithms")[1]
# In the order of ssh: certificates first.
HOST_KEYS = (*(name + CERTIFIED for name in PLAIN_HOST_KEYS), *PLAIN_HOST_KEYS)


class UnsupportedError(ValueError):
    """A list contains only algorithms that paramiko lacks. `setting` is the keyword and the list."""

    def __init__(self, setting: str, usual: Sequence[str]) -> None:
        super().__init__(f"{setting} in the ssh config: none is supported; add one of {', '.join(usual)}")
        self.setting = setting


class Algorithms(NamedTuple):
    """The allowed algorithms of each kind, the preferred ones first."""

    kex: Sequence[str]
    ciphers: Sequence[str]
    macs: Sequence[str]
    host_keys: Sequence[str]
    prefers_known: bool

    def apply(self, transport: paramiko_patches.FastTransport, is_preferred: Callable[[str], bool]) -> None:
        """Let `transport` negotiate these algorithms.

        `is_preferred` tells which host keys come first, unless HostKeyAlgorithms sets another order.
        """
        options = transport.get_security_options()
        options.kex = tuple(self.kex)
        options.ciphers = tuple(self.ciphers)
        options.digests = tuple(self.macs)
        options.key_types = ordered(self.host_keys, is_preferred) if self.prefers_known else tuple(self.host_keys)

    def allows_key(self, type_: str) -> bool:
        """Return whether a host may have a key of that type, such as `ssh-rsa`. Signatures of RSA have own names."""
        return type_ in self.host_keys or any(name in self.host_keys for name in SIGNATURES.get(type_, ()))


# The signature algorithms of a key type whose name is not that of the only one; see RFC 8332.
SIGNATURES = {"ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256")}


def ordered(host_keys: Sequence[str], is_preferred: Callable[[str], bool]) -> tuple[str, ...]:
    """Return host key algorithms in the order of ssh, which depends on the keys that are known for the host.

    If a key of the first type is known, the order remains. Otherwise, preferred algorithms come first.
    """
    if is_preferred(plain(host_keys[0])):
        return tuple(host_keys)
    return tuple(sorted(host_keys, key=lambda name: not is_preferred(name)))


def plain(algorithm: str) -> str:
    """Return the algorithm of the key in a certificate, or the algorithm itself."""
    return algorithm.removesuffix(CERTIFIED)


def key_type(algorithm: str) -> str:
    """Return the type of the keys of an algorithm, without certificate: `ssh-rsa` for `rsa-sha2-512`."""
    name = plain(algorithm)
    return next((type_ for type_, names in SIGNATURES.items() if name in names), name)


def chosen(ssh_config: Mapping[str, Any]) -> Algorithms:
    """Return the algorithms that an ssh config allows. Raise UnsupportedError if paramiko knows none of a list."""
    values = (ssh_config.get(keyword.lower()) for keyword in KEYWORDS)
    return _chosen(*(None if value is None else str(value).replace(" ", "") for value in values))


@functools.cache  # most hosts have the same lists
def _chosen(*values: str | None) -> Algorithms:
    lists = {keyword: _list(keyword, value) for keyword, value in zip(KEYWORDS, values, strict=True)}
    return Algorithms(
        kex=lists["KexAlgorithms"],
        ciphers=lists["Ciphers"],
        macs=lists["MACs"],
        host_keys=lists["HostKeyAlgorithms"],
        prefers_known=prefers_known(values[KEYWORDS.index("HostKeyAlgorithms")]),
    )


def prefers_known(value: str | None) -> bool:
    """Return whether ssh prefers the types of known keys: if HostKeyAlgorithms only adds or removes names.

    `ssh -G` prints a complete list, which does not show that. A list that keeps at least half of the usual names, in
    their order, is taken for such a one.
    """
    if not value or value[0] in "+-":
        return True
    names = value.split(",")
    kept = [name for name in HOST_KEYS if name in names]
    return len(kept) * 2 >= len(HOST_KEYS) and kept == [name for name in names if name in HOST_KEYS]


def _list(keyword: str, value: str | None) -> Sequence[str]:
    known, usual = paramiko_patches.algorithms(keyword)
    if keyword == "HostKeyAlgorithms":
        usual = HOST_KEYS
    if value is None:
        return usual
    names = list(dict.fromkeys(name for name in assembled(value, usual) if name in known))
    if not names:
        raise UnsupportedError(f"{keyword} {value}", usual)
    return names


def assembled(value: str, usual: Sequence[str]) -> Iterable[str]:
    """Return the names in a list, or `usual` with names added (+), removed (-) or put first (^).

    Names to remove may contain `*` and `?`. An added name must be complete.

    >>> assembled("^c,x", ["a", "b", "c"])
    ['c', 'x', 'a', 'b']
    >>> assembled("-b*", ["a", "b1", "b2"])
    ['a']
    """
    names = value.lstrip("+-^").split(",")
    match value[:1]:
        case "+":
            return [*usual, *names]
        case "^":
            return [*names, *(name for name in usual if name not in names)]
        case "-":
            return [name for name in usual if not any(fnmatch.fnmatchcase(name, pattern) for pattern in names)]
    return names
