"""Algorithms that the ssh config allows."""

import pytest

from fabfile.ssh.algorithms import HOST_KEYS, chosen, key_type, ordered, prefers_known

USUAL = chosen({})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("aes256-ctr,aes128-ctr", ["aes256-ctr", "aes128-ctr"]),
        ("chacha20-poly1305@openssh.com, aes256-ctr", ["aes256-ctr"]),
        ("aes256-ctr,aes256-ctr", ["aes256-ctr"]),
        ("+nonsense", [*USUAL.ciphers]),
        ("^aes256-ctr", ["aes256-ctr", *(name for name in USUAL.ciphers if name != "aes256-ctr")]),
        ("-*cbc,*-gcm@*", ["aes128-ctr", "aes192-ctr", "aes256-ctr"]),
    ],
)
def test_list_of_ciphers_is_obeyed(value: str, expected: list[str]) -> None:
    assert list(chosen({"ciphers": value}).ciphers) == expected


@pytest.mark.parametrize("keyword", ["Ciphers", "MACs", "KexAlgorithms", "HostKeyAlgorithms"])
def test_unsupported_list_is_refused(keyword: str) -> None:
    with pytest.raises(ValueError, match=rf"^{keyword} x,y in the ssh config: none is supported; add one of "):
        chosen({keyword.lower(): "x,y"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("", True),
        ("+ssh-rsa", True),
        ("-ssh-rsa", True),
        ("^ssh-ed25519", False),
        ("ssh-ed25519", False),
        ("rsa-sha2-512,ssh-ed25519", False),
        (",".join([*HOST_KEYS, "ssh-rsa"]), True),
        (",".join(["ecdsa-sha2-nistp256", *HOST_KEYS]), False),
        (",".join(name for name in HOST_KEYS if "cert" not in name), True),
    ],
)
def test_known_types_come_first_as_in_ssh(value: str, expected: bool) -> None:
    assert prefers_known(value) == expected


def test_first_known_type_keeps_the_order() -> None:
    names = ["ssh-ed25519-cert-v01@openssh.com", "ssh-ed25519", "rsa-sha2-512"]
    assert ordered(names, lambda name: key_type(name) == "ssh-ed25519") == tuple(names)
    assert ordered(names, lambda name: key_type(name) == "ssh-rsa") == ("rsa-sha2-512", *names[:2])
