"""Turn the messages of ssh into one line for the user. Pure."""

import re
from collections.abc import Sequence

import attrs

from ...util.errors import PASSWORD_EXPIRED
from ..login.passwords import is_expired

# Messages that explain no failure.
NOISE = re.compile(
    r"debug\d|Authenticat|Transferred:|Bytes per second|Warning: Permanently added|Killed by signal|@|\*\* "
    r"|IT IS POSSIBLE|Someone could|It is also possible|The fingerprint for|SHA256:|Please contact|Add correct host key"
    r"|  remove with:|  ssh-keygen -f|WARNING: |Host key verification failed|Pseudo-terminal|Control socket"
)
AUTHENTICATED = re.compile(rb"^Authenticated to ", re.MULTILINE)
CLOSED = re.compile(rb"^Connection (reset|closed) by ", re.MULTILINE)
ADDED = re.compile(r"Warning: Permanently added (.+) to the list of known hosts")
DROPPED = re.compile(
    r"kex_exchange_identification: .*^Connection (reset|closed) by (?!UNKNOWN)", re.DOTALL | re.MULTILINE
)
# Messages that follow those of a gateway or a ProxyCommand.
AFTER_GATEWAY = re.compile(
    r"kex_exchange_identification: |banner exchange: |Connection .*UNKNOWN port|stdio forwarding failed"
)
FINAL = re.compile(
    r"Permission denied|Host key verification failed|Too many authentication failures|no matching|configuration option"
)
NO_AGREEMENT = re.compile(
    r"^Unable to negotiate with (\S+) port \d+: no matching (cipher|MAC|key exchange method|host key type) found\."
    r" Their offer: (\S+)",
    re.MULTILINE,
)
KEYWORDS = {"cipher": "Ciphers", "MAC": "MACs", "key exchange method": "KexAlgorithms"}
KEYWORDS |= {"host key type": "HostKeyAlgorithms"}
MOST_LINES = 3


@attrs.frozen
class Problem:
    """Why a connection could not be opened. `is_final` if a retry cannot help, `was_dropped` if sshd may be busy."""

    text: str
    is_final: bool = False
    was_dropped: bool = False


def messages(said: bytes) -> list[str]:
    """Return the lines that ssh and its ProxyCommand have written to stderr, without empty ones."""
    lines = said.decode(errors="replace").replace("\r", "\n").split("\n")
    return [line.rstrip() for line in lines if line.strip()]


def added_keys(said: bytes) -> list[str]:
    """Return each host key that ssh has added to known_hosts, as ssh describes it."""
    matches = [ADDED.match(line) for line in messages(said)]
    return [match[1] for match in matches if match]


def problem(said: bytes, where: str, user: str, refused: Sequence[str] = ()) -> Problem:
    """Return why ssh failed. `said` is its stderr, and `refused` its questions that got no answer.

    `where` is the host and the port.

    >>> problem(b"ssh: connect to host 10.0.0.1 port 22: Connection refused\\r\\n", "10.0.0.1 port 22", "alice").text
    '10.0.0.1 port 22: connection refused'
    """
    lines = messages(said)
    text = "\n".join(lines)
    is_in = bool(AUTHENTICATED.search(said))
    is_final = bool(FINAL.search(text))
    return Problem(
        text=_refusal(text, refused)
        or _host_key(text)
        or _no_agreement(text, where)
        or _known(text, where, user)
        or _rest(lines, where),
        is_final=is_final,
        was_dropped=not is_in and not is_final and bool(DROPPED.search(text)),
    )


def _refusal(text: str, refused: Sequence[str]) -> str:
    """Return the reason for a failed login if ssh needed a passphrase or a new password; else nothing."""
    if any(map(is_expired, [text, *refused])):
        return PASSWORD_EXPIRED
    if "Permission denied" in text and any(question.startswith("Enter passphrase") for question in refused):
        return "the SSH key has a passphrase; enter it with --prompt-for-passphrase"
    return ""


def _known(text: str, where: str, user: str) -> str:
    """Return the same words as for a connection of paramiko; nothing for other problems."""
    if match := re.search(r"Could not resolve hostname (.+?): ", text):
        return f"unknown host name {match[1]}; check the spelling, or add it to ~/.ssh/config"
    if match := re.search(r"^(\S+)@(\S+): Permission denied \((.*)\)", text, re.MULTILINE):
        notes = "".join(f"; {note}" for note in _about_keys(text))
        hint = "check its keys, or use --prompt-for-login-password"
        return f"permission denied for user {match[1]} (offered: {match[3]}){notes}; {hint}"
    if "Too many authentication failures" in text:
        return f"permission denied for user {user}; ssh may have tried too many keys"
    if re.search("No SSH version received|banner line too long|banner exchange: .*: invalid format", text):
        return f"{where}: no SSH server answers; check the port"
    if "UNKNOWN port" in text:
        return ""  # messages of the gateway explain it
    if re.search("timed out|timeout", text, re.IGNORECASE):
        return f"{where}: timed out; check the host and the network, or raise --connect-timeout"
    if match := re.search(r"^ssh: connect to host .+ port \d+: (.+)$", text, re.MULTILINE):
        return f"{where}: {match[1].lower()}"
    return ""


def _host_key(text: str) -> str:
    """Return why ssh refused the key of the host; nothing for other problems."""
    if match := re.search(r"^(?:Offending|Matched) (\S+) key(?: found)? in (.+):(\d+)$", text, re.MULTILINE):
        if "REVOKED" in text or "is marked as revoked" in text:
            return f"host key is revoked by {match[2]} line {match[3]}"
        why = "the host was reinstalled, or another machine pretends to be it"
        hint = "remove that line if you trust the new key"
        return f"host key differs from {match[2]} line {match[3]}; {why}; {hint}"
    if match := re.search(r"^No (\S+) host key is known for (\S+) and", text, re.MULTILINE):
        return f"host key {match[1]} is not in the known_hosts files; add it if you trust it"
    return ""


def _no_agreement(text: str, where: str) -> str:
    """Return which algorithms the host offers if ssh allows none of them; nothing for other problems."""
    match = NO_AGREEMENT.search(text)
    if not match or (match[1] != "UNKNOWN" and "UNKNOWN" in text):  # it is about the gateway
        return ""
    offered = match[3].replace(",", ", ")
    return f"{where}: no algorithm in common for {KEYWORDS[match[2]]}: the host offers {offered}; add one of them"


def _about_keys(text: str) -> list[str]:
    """Return the reasons for which ssh could not use a key."""
    found = re.findall(
        r'^(?:Load key|sign_and_send_pubkey: signing failed for \S+) "(.+)"(?: from agent)?: (.+)$', text, re.M
    )
    found += re.findall(r"^Permissions \S+ for '(.+)' are (too open)\.$", text, re.MULTILINE)
    return [f"{key}: {reason}" for key, reason in found]


def _rest(lines: Sequence[str], where: str) -> str:
    """Return the last useful lines of ssh, or of the gateway or ProxyCommand that has failed."""
    useful = [line for line in lines if not NOISE.match(line)] or list(lines)
    if not useful:
        return f"{where}: ssh ended without a message"
    if not any("UNKNOWN port" in line for line in useful):
        return f"{where}: {'; '.join(useful[-MOST_LINES:])}"
    of_gateway = [line for line in useful if not AFTER_GATEWAY.match(line)]
    return f"{where}: gateway failed: {'; '.join(of_gateway[-MOST_LINES:]) or 'it ended without a message'}"
