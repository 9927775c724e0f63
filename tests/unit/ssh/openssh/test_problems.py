"""The reasons for a failed login, from what ssh says."""

import pytest

from fabfile.ssh.openssh.problems import added_keys, problem

WHERE = "10.0.0.1 port 22"
DROPPED = b"kex_exchange_identification: Connection closed by remote host\r\nConnection closed by 10.0.0.1 port 22\r\n"
BEHIND = b"kex_exchange_identification: Connection closed by remote host\r\nConnection closed by UNKNOWN port 65535\r\n"
NO_MAC = b"Unable to negotiate with %b: no matching MAC found. Their offer: a,b\r\n"
CHANGED = b"""\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\r
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\r
Offending ED25519 key in /home/a b/.ssh/known_hosts:7\r
Host key verification failed.\r
"""


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (b"", f"{WHERE}: ssh ended without a message"),
        (
            b'sign_and_send_pubkey: signing failed for ED25519-SK "/k/id_sk": device not found\nbob@h: Permission denied (publickey).\n',
            "permission denied for user bob (offered: publickey); /k/id_sk: device not found; check its keys",
        ),
        (
            b"ssh: Could not resolve hostname no: Name or service not known\r\n",
            "unknown host name no; check the spelling,",
        ),
        (b"ssh: connect to host h port 22: No route to host\r\n", f"{WHERE}: no route to host"),
        (b"ssh: connect to host h port 22: Connection timed out\r\n", f"{WHERE}: timed out; check"),
        (b"Connection timed out during banner exchange\r\n", f"{WHERE}: timed out; check"),
        (b"bob@h: Permission denied (publickey).\r\n", "permission denied for user bob (offered: publickey); check"),
        (
            b'Load key "/k": error in libcrypto\r\nbob@h: Permission denied (publickey).\r\n',
            "permission denied for user bob (offered: publickey); /k: error in libcrypto; check",
        ),
        (CHANGED, "host key differs from /home/a b/.ssh/known_hosts line 7; the host"),
        (b"banner text\nUnable to negotiate with h: no matching cipher found.\r\n", f"{WHERE}: banner text; Unable to"),
        (NO_MAC % b"UNKNOWN port 65535", f"{WHERE}: no algorithm in common for MACs: the host offers a, b; add one"),
        (NO_MAC % b"10.0.0.9 port 22" + BEHIND, f"{WHERE}: gateway failed: Unable to negotiate with 10.0.0.9 port 22"),
        (b"cannot reach it\n" + BEHIND, f"{WHERE}: gateway failed: cannot reach it"),
        (b"Authenticated to gate\r\n" + BEHIND, f"{WHERE}: gateway failed: it ended without a message"),
    ],
)
def test_reason_is_one_line(said: bytes, text: str) -> None:
    found = problem(said, WHERE, "alice").text
    assert found.startswith(text) and "\n" not in found


@pytest.mark.parametrize(
    ("said", "is_final", "was_dropped"),
    [
        (DROPPED, False, True),
        (
            b"kex_exchange_identification: read: Connection reset by peer\r\nConnection reset by h port 22\r\n",
            False,
            True,
        ),
        (BEHIND, False, False),
        (b"bob@h: Permission denied (publickey).\r\n", True, False),
        (CHANGED, True, False),
        (b"ssh: connect to host h port 22: Connection refused\r\n", False, False),
    ],
)
def test_retries_depend_on_the_reason(said: bytes, is_final: bool, was_dropped: bool) -> None:
    found = problem(said, WHERE, "alice")
    assert (found.is_final, found.was_dropped) == (is_final, was_dropped)


def test_passphrase_is_named() -> None:
    said, asked = b"bob@h: Permission denied (publickey).\r\n", ["Enter passphrase for key '/k': "]
    assert "has a passphrase" in problem(said, WHERE, "bob", asked).text


def test_added_keys_are_found() -> None:
    said = b"x\r\nWarning: Permanently added 'h' (ED25519) to the list of known hosts.\r\n"
    assert added_keys(said) == ["'h' (ED25519)"]
