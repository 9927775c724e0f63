"""Values of an ssh config, spelled as `ssh -G` prints them.

A converter gets the words of a line. It returns the value, or None if the line has no effect. It raises NotPlainError
for everything that it does not know for certain, right or wrong: then ssh itself reads the config, and explains errors.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import TypeAlias

from .words import NotPlainError

Value: TypeAlias = str | tuple[str, ...] | None
Converter: TypeAlias = Callable[[list[str]], Value]

FLAGS = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
MOST = 2**31 - 1  # INT_MAX
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# Patterns are compiled when they are used, because most configs need few of them.
TIME_PART = r"(\d{1,9})([smhdwSMHDW]?)"
TIME = r"(?=.)(?:\d{1,9}[smhdwSMHDW])*(?:\d{1,9})?"
SIZE = r"(\d{1,9})([KMGkmg]?)"
SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
HOST = r"[A-Za-z0-9_.-]+"
HOP = rf"(?:([A-Za-z0-9_.-]+)@)?({HOST})(?::(\d{{1,5}}))?"
LISTEN = rf"(?:({HOST}):)?(\d{{1,5}})"
TARGET = rf"({HOST}):(\d{{1,5}})"
DOMAIN = r"[a-z0-9][a-z0-9.-]*"
TUNNEL = r"(any|\d{1,4})(?::(any|\d{1,4}))?"
OPEN = rf"{HOST}:(\d{{1,5}}|\*)"
QUALITIES = {"none", "cs0", "cs1", "cs2", "cs3", "cs4", "cs5", "cs6", "cs7", "ef", "lowdelay", "throughput"} | {
    "reliability",
    *(f"af{number}" for number in (11, 12, 13, 21, 22, 23, 31, 32, 33, 41, 42, 43)),
}


def word(words: list[str]) -> str:
    """Return the only word."""
    if len(words) != 1 or not words[0]:
        raise NotPlainError(f"expected one value, not {' '.join(words) or 'none'}")
    return words[0]


def agent(words: list[str]) -> str:
    """Return the socket of an agent. ssh refuses an unset variable, also below the `Host` of another host."""
    text = word(words)
    braced = re.findall(r"\$\{(.*?)(?:\}|$)", text)
    is_invalid = text.startswith("$") and not text.startswith("${") and not re.fullmatch(r"\$[A-Za-z0-9_]+", text)
    if is_invalid or not all(name in os.environ for name in braced):
        raise NotPlainError(f"IdentityAgent {text}")
    return text


def choice(meanings: Mapping[str, str]) -> Converter:
    """Return a converter for one of several words, in any case."""

    def converted(words: list[str]) -> str:
        text = word(words)
        if text.lower() not in meanings:
            raise NotPlainError(f"value {text}")
        return meanings[text.lower()]

    return converted


def one_of(*others: str) -> Converter:
    """Return a converter for `yes`, `no` or one of `others`."""
    return choice(FLAGS | dict(zip(others, others, strict=True)))


flag = choice(FLAGS)


def seconds_of(text: str) -> int:
    """Return the seconds of a time such as `90` or `1m30s`."""
    if not re.fullmatch(TIME, text):
        raise NotPlainError(f"time {text}")
    total = sum(int(number) * SECONDS[unit.lower()] for number, unit in re.findall(TIME_PART, text))
    if total > MOST:
        raise NotPlainError(f"time {text}")
    return total


def time(words: list[str]) -> str | None:
    """Convert a time to seconds. `none` leaves the setting to a later line."""
    text = word(words)
    return None if text == "none" else str(seconds_of(text))


def number(least: int = 0, most: int = MOST) -> Converter:
    """Return a converter for a whole number."""

    def converted(words: list[str]) -> str:
        text = word(words)
        if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
            raise NotPlainError(f"number {text}")
        return str(int(text))

    return converted


def many(words: list[str]) -> tuple[str, ...]:
    """Convert words of which the first line wins. `none` stands alone."""
    if "" in words or (len(words) > 1 and "none" in (each.lower() for each in words)):
        raise NotPlainError(f"values {' '.join(words)}")
    return ("none",) if words[0].lower() == "none" else tuple(words)


def added(words: list[str]) -> tuple[str, ...]:
    """Convert a word that is added to those of other lines."""
    return (word(words),)


def send_env(words: list[str]) -> tuple[str, ...]:
    """Convert names of environment variables."""
    if any(not each or "=" in each for each in words):
        raise NotPlainError(f"values {' '.join(words)}")
    return tuple(words)


def set_env(words: list[str]) -> tuple[str, ...]:
    """Convert assignments. The first one to each name wins."""
    if any("=" not in each for each in words):
        raise NotPlainError(f"values {' '.join(words)}")
    first: dict[str, str] = {}
    for each in words:
        first.setdefault(each.partition("=")[0], each)
    return tuple(first.values())


@cache
def supported(kind: str) -> frozenset[str]:
    """Return the algorithms that the installed ssh supports: `ssh -Q KIND`."""
    program = shutil.which("ssh")
    if program is None:
        return frozenset()
    done = subprocess.run([program, "-Q", kind], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    return frozenset(done.stdout.split())


def algorithms(known: Collection[str], kind: str) -> Converter:
    """Return a converter for a list of algorithms.

    `known` are some that all versions of OpenSSH know. For others, ssh is asked about all of this kind.
    """

    def converted(words: list[str]) -> str:
        names = word(words).split(",")
        strange = [name for name in names if name not in known]
        if (
            words[0][0] in "+-^"
            or (strange and not supported(kind).issuperset(strange))
            or len(set(names)) < len(names)
        ):
            raise NotPlainError(f"algorithms {words[0]}")
        return words[0]

    return converted


def jumps(raw: str) -> str:
    """Convert a ProxyJump. ssh splits the last jump into its parts, and prints these."""
    if raw.lower() == "none":
        return "none"
    *others, last = raw.split(",")
    match = re.fullmatch(HOP, last)
    if not match or not all(re.fullmatch(HOP, each.removeprefix("ssh://")) for each in others):
        raise NotPlainError(f"jump {raw}")
    user, host, port = match.groups()
    if port is not None and not 0 < int(port) < 65536:
        raise NotPlainError(f"port {port}")
    shown = f"[{host}]" if not host.strip("0123456789.") else host
    return ",".join([*others, f"{user + '@' if user else ''}{shown}{f':{int(port)}' if port else ''}"])


def forward(words: list[str]) -> tuple[str, ...]:
    """Convert a LocalForward or RemoteForward between two TCP ports."""
    match = re.fullmatch(TARGET, words[-1])
    if len(words) != 2 or not match or not 0 < int(match[2]) < 65536:
        raise NotPlainError(f"forwarding {' '.join(words)}")
    return (f"{_listening(words[0])} [{match[1]}]:{int(match[2])}",)


def dynamic_forward(words: list[str]) -> tuple[str, ...]:
    """Convert a DynamicForward of a TCP port."""
    return (_listening(word(words)),)


def _listening(text: str) -> str:
    match = re.fullmatch(LISTEN, text)
    if not match or not 0 < int(match[2]) < 65536:
        raise NotPlainError(f"forwarding {text}")
    return f"[{match[1]}]:{int(match[2])}" if match[1] else str(int(match[2]))


def permitted(words: list[str]) -> tuple[str, ...]:
    """Convert a PermitRemoteOpen."""
    is_one_word = len(words) == 1 and words[0].lower() in ("any", "none")
    if not is_one_word and not all(re.fullmatch(OPEN, each) for each in words):
        raise NotPlainError(f"values {' '.join(words)}")
    return tuple(words)


def domains(words: list[str]) -> tuple[str, ...]:
    """Convert CanonicalDomains."""
    values = many([each.lower() for each in words])
    if not all(re.fullmatch(DOMAIN, each) for each in values):
        raise NotPlainError(f"domains {' '.join(words)}")
    return values


def one_none(words: list[str]) -> str:
    """Accept only `none`."""
    if word(words).lower() != "none":
        raise NotPlainError(f"value {' '.join(words)}")
    return "none"


def one_value(words: list[str]) -> tuple[str, ...]:
    """Convert LogVerbose. Some versions of ssh keep only its first word."""
    return (word(words),)


def escape_char(words: list[str]) -> str:
    """Convert EscapeChar."""
    text = word(words)
    if text != "none" and (len(text) > 1 or not text.isascii() or text == "\\"):
        raise NotPlainError(f"value {text}")
    return text


def keys_to_agent(words: list[str]) -> str:
    """Convert AddKeysToAgent: a flag, `ask`, `confirm` or a time, and a time after `confirm`."""
    first, *rest = words
    kind = (FLAGS | {"ask": "ask", "confirm": "confirm"}).get(first.lower())
    if kind is None and not rest:
        return str(seconds_of(first) or "yes")
    if kind == "confirm" and len(rest) == 1:
        seconds = seconds_of(rest[0])
        return f"confirm {seconds}" if seconds else "confirm"
    if kind is None or rest:
        raise NotPlainError(f"values {' '.join(words)}")
    return kind


def persist(words: list[str]) -> str:
    """Convert ControlPersist: a flag in lower case, or a time."""
    text = word(words)
    return FLAGS.get(text) or str(seconds_of(text) or "yes")


def quality(words: list[str]) -> str:
    """Convert IPQoS: one word for both kinds of sessions, or two words."""
    low = [each.lower() for each in words]
    if len(low) > 2 or not QUALITIES.issuperset(low):
        raise NotPlainError(f"values {' '.join(words)}")
    return f"{low[0]} {low[-1]}"


def tunnel_device(words: list[str]) -> str:
    """Convert TunnelDevice."""
    match = re.fullmatch(TUNNEL, word(words))
    if not match:
        raise NotPlainError(f"value {words[0]}")
    parts = (match[1], match[2] or "any")
    return ":".join(part if part == "any" else str(int(part)) for part in parts)


def mask(words: list[str]) -> str:
    """Convert StreamLocalBindMask, an octal number."""
    text = word(words)
    if not re.fullmatch(r"0?[0-7]{1,3}", text):
        raise NotPlainError(f"value {text}")
    return f"0{int(text, 8):o}"


def rekey(words: list[str]) -> tuple[str, ...]:
    """Convert RekeyLimit to bytes, and seconds if the line has a time."""
    match = re.fullmatch(SIZE, words[0])
    size = 0 if words[0] == "default" else int(match[1]) * SIZES[match[2].upper()] if match else -1
    if size < 0 or 0 < size < 16 or len(words) > 2:
        raise NotPlainError(f"values {' '.join(words)}")
    return (str(size), *(str(seconds_of(each)) for each in words[1:] if each != "none"))
