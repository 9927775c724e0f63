"""Files of known host keys: lines, hashed names, and verdicts."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from fabfile.ssh.known_hosts import KeyRefused, KnownHosts, is_known, spelled

KEYS = [f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{letter * 43}" for letter in "ABCD"]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("a.example " + KEYS[0], ["a.example"]),
        ("A.Example,10.0.0.1 " + KEYS[0] + " a comment", ["a.example", "10.0.0.1"]),
        ("[a.example]:2222 " + KEYS[0], ["[a.example]:2222"]),
        ("*.example,!b.example " + KEYS[0], ["a.example", "c.d.example"]),
        ("a?example " + KEYS[0], ["a.example"]),
        ("? " + KEYS[0], ["x"]),
        ("?? " + KEYS[0], ["é"]),
        ("*\udca9,!x* " + KEYS[0], ["é"]),
        ("[é]:*,???? " + KEYS[0], []),
        ("[a]* " + KEYS[0], []),
        ("@revoked * " + KEYS[0], ["a.example", "b.example", "c.d.example", "10.0.0.1", "[a.example]:2222", "x", "é"]),
        ("@cert-authority *.example " + KEYS[0], ["a.example", "b.example", "c.d.example"]),
        ("\t a.example\t" + KEYS[0], ["a.example"]),
        ("# a.example " + KEYS[0], []),
        (" @revoked a.example " + KEYS[0], ["a.example"]),
        ("комментарий без решётки тут", []),
        ("@other a.example " + KEYS[0], []),
        ("a.example ssh-ed25519", []),
        ("|1|nonsense|nonsense " + KEYS[0], []),
        ("", []),
    ],
)
def test_line_matches_hosts_as_in_ssh(tmp_path: Path, line: str, names: list[str]) -> None:
    asked = ["a.example", "b.example", "c.d.example", "10.0.0.1", "[a.example]:2222", "x", "é"]
    path = tmp_path / "known_hosts"
    path.write_text(text := f"\n{line}\n", errors="surrogateescape")
    known = KnownHosts([(str(path), text)])
    found = [name for name in asked if known.of(name)]
    assert sorted(found) == sorted(names) == sorted(name for name in asked if is_found_by_ssh(path, name))
    assert all(str(known.of(name)[0]) == f"{path} line 2" for name in found)


@pytest.mark.parametrize("key", ["ssh-ed25519 ключ", "ssh-ed25519 AAAA", "ssh-rsa " + KEYS[0].split()[1]])
def test_invalid_key_is_ignored(key: str) -> None:
    assert KnownHosts([("f", f"h {key}")]).of("h") == []


def is_found_by_ssh(path: Path, name: str) -> bool:
    return subprocess.run(["ssh-keygen", "-F", name, "-f", path], capture_output=True).returncode == 0


def test_hashed_names_are_found(tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(f"a.example {KEYS[0]}\n[a.example]:2222 {KEYS[1]}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", path], check=True, capture_output=True)
    assert "example" not in path.read_text()
    known = KnownHosts([("f", path.read_text())])
    assert [entry.line for entry in known.of("a.example")] == [1]
    assert [entry.line for entry in known.of(spelled("A.Example", 2222))] == [2]
    assert known.of("b.example") == []


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ([], False),
        (["h " + KEYS[0]], True),
        (["h " + KEYS[1], "h " + KEYS[0]], True),
        (["g " + KEYS[1]], False),
        (["h " + KEYS[1]], "differs from f line 1; "),
        (["h ssh-rsa AAAAB3NzaC1yc2E="], "differs from f line 1; "),
        (["h " + KEYS[0], "@revoked * " + KEYS[0]], "is revoked by f line 2"),
        (["h " + KEYS[0], "@revoked * " + KEYS[1]], True),
        (["@cert-authority h " + KEYS[0]], False),
        (["@cert-authority h " + KEYS[1], "h " + KEYS[0]], True),
        (["@cert-authority h " + KEYS[1], "h " + KEYS[2]], "differs from f line 2; "),
    ],
)
def test_key_is_known_new_or_refused(lines: Sequence[str], verdict: bool | str) -> None:
    known = KnownHosts([("f", "\n".join(lines))])
    (key,) = {entry.key for entry in KnownHosts([("", "h " + KEYS[0])]).of("h")}
    if isinstance(verdict, bool):
        assert is_known(known.of("h"), key) == verdict
    else:
        with pytest.raises(KeyRefused) as error:
            is_known(known.of("h"), key)
        assert str(error.value).startswith(verdict)
