"""Host keys and algorithms: the outcome, and the lines in known_hosts, are those of ssh on the same sshd."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.comparison import KEY_TYPES, Comparison, comparisons
from tests.support.logins import make_fido_key
from tests.support.soak import often


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Comparison]:
    yield from comparisons(tmp_path_factory.mktemp("trust"))


@pytest.fixture(scope="module")
def port(lab: Comparison) -> int:
    """Return the port of an sshd with a key of each type."""
    return lab.serve()


@pytest.fixture(scope="module")
def port_ed25519(lab: Comparison) -> int:
    """Return the port of an sshd with one key."""
    return lab.serve(f"HostKey {lab.folder}/ed25519")


def section(port: int, *lines: str) -> str:
    """Return the section of `h` in the ssh config."""
    return "\n    ".join(["Host h", "HostName 127.0.0.1", f"Port {port}", *lines])


@pytest.mark.parametrize("file", often(["/proc/no/known", "{folder}"], ["/"]))
@pytest.mark.parametrize("keyword", ["UserKnownHostsFile", "GlobalKnownHostsFile"])
def test_unusable_file_is_ignored(lab: Comparison, port: int, keyword: str, file: str) -> None:
    ssh, us = lab.both(section(port, f"{keyword} {file.format(folder=lab.folder)}"))
    assert us == ssh, us.error
    assert us.shown


@pytest.mark.parametrize("bits", [1024, 2048, 4096])
@pytest.mark.parametrize("types", [["rsa"], ["rsa", "ed25519"]], ids="+".join)
def test_short_host_key_is_refused(lab: Comparison, port: int, types: list[str], bits: int) -> None:
    ssh, us = lab.both(section(port, f"RequiredRSASize {bits}"), known=known(lab, port, *types))
    assert us == ssh, us.error
    assert ("RequiredRSASize 4096" in us.error) == (us.shown is None)


@pytest.mark.parametrize("rest", ["", "==", "AAAA", " comment", "\r"])
def test_damaged_line_counts_as_in_ssh(lab: Comparison, port_ed25519: int, rest: str) -> None:
    text = known(lab, port_ed25519, "ed25519").rstrip("\n") + rest + "\n"
    ssh, us = lab.both(section(port_ed25519), known=text)
    assert us == ssh, us.error


def known(lab: Comparison, port: int, *types: str, name: str = "") -> str:
    """Return lines of known_hosts with keys of the sshd."""
    name = name or f"[127.0.0.1]:{port}"
    return "".join(f"{name} {lab.public(type_)}\n" for type_ in types)


LINES = [
    "",
    "StrictHostKeyChecking yes",
    "HostKeyAlgorithms ecdsa-sha2-nistp256,rsa-sha2-512",
    "HostKeyAlgorithms rsa-sha2-256,ssh-ed25519",
    "HostKeyAlgorithms ^ecdsa-sha2-nistp256",
    "HostKeyAlgorithms -ssh-ed25519*",
    "HostKeyAlgorithms +ssh-rsa",
]
EACH_LINE = [*(("rsa ecdsa", line) for line in LINES), ("", LINES[1]), ("rsa", LINES[2]), ("ed25519 rsa", LINES[3])]
EACH_TYPE = [("", ""), ("rsa", ""), ("ecdsa", ""), ("ed25519 rsa", "")]
OTHER = {(types, line) for types, _ in EACH_TYPE for line in LINES} - {*EACH_LINE, *EACH_TYPE}


@pytest.mark.parametrize(("types", "line"), often([*EACH_LINE, *EACH_TYPE], sorted(OTHER)))
def test_same_key_type_as_ssh(lab: Comparison, port: int, types: str, line: str) -> None:
    ssh, us = lab.both(section(port, line), known=known(lab, port, *types.split()))
    assert us == ssh, us.error


@pytest.mark.parametrize("strictness", ["accept-new", "yes", "no", "off"])
@pytest.mark.parametrize(  # `ecdsa` is of another type, `key` is of the same type
    ("other", "with_port"), often([("ecdsa", True), ("key", True)], [("ecdsa", False), ("key", False)])
)
def test_changed_key_is_handled_as_by_ssh(
    lab: Comparison, port_ed25519: int, strictness: str, other: str, with_port: bool
) -> None:
    text = known(lab, port_ed25519, other, name="" if with_port else "127.0.0.1")
    ssh, us = lab.both(section(port_ed25519, f"StrictHostKeyChecking {strictness}"), known=text)
    assert us == ssh, us.error
    if with_port and strictness in ("accept-new", "yes"):
        assert us.shown is None
        assert "differs from" in us.error


KNOWN = {  # files that know another key for the host, or another host
    "pattern": "[127.0.0.*]:* {other}",
    "several names": "a,b,[127.0.0.1]:{port} {other}",
    "excluded name": "*,![127.0.0.1]:{port} {other}",
    "hashed name": "{hashed} {other}",
    "other port": "[127.0.0.1]:1 {other}",
    "all ports": "[127.0.0.1] {other}",
    "revoked key of another type": "@revoked [127.0.0.1]:{port} {other}",
    "authority of another type": "@cert-authority [127.0.0.1]:{port} {other}",
    "this key after another one": "[127.0.0.1]:{port} {other}\n[127.0.0.1]:{port} {own}",
    "key of another name with an alias": "alias {other}",
}


@pytest.mark.parametrize("strictness", ["accept-new", "yes", "no", "off", "ask"])
@pytest.mark.parametrize(
    "lines", often(["@revoked * {own}\n{host} {own}"], ["@revoked !x,* {own}", "{host} {own}\n@revoked {host} {own}"])
)
def test_revoked_line_is_handled_as_by_ssh(lab: Comparison, port_ed25519: int, strictness: str, lines: str) -> None:
    text = lines.format(own=lab.public("ed25519"), host=f"[127.0.0.1]:{port_ed25519}") + "\n"
    ssh, us = lab.both(section(port_ed25519, f"StrictHostKeyChecking {strictness}"), known=text)
    assert us == ssh, us.error
    assert (us.shown is None) == ("is revoked by" in us.error) == (strictness not in ("no", "off"))


@pytest.mark.parametrize("strictness", ["accept-new", "yes", "ask"])
@pytest.mark.parametrize("keyword", ["UserKnownHostsFile", "GlobalKnownHostsFile"])
@pytest.mark.parametrize("name", KNOWN)
def test_other_key_type_counts_as_in_ssh(
    lab: Comparison, port_ed25519: int, strictness: str, keyword: str, name: str
) -> None:
    hashed = lab.folder / "hashed"
    hashed.write_text(f"[127.0.0.1]:{port_ed25519} {lab.public('ecdsa')}\n")
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", hashed], check=True, capture_output=True)
    values = {"port": port_ed25519, "hashed": hashed.read_text().split()[0]}
    text = KNOWN[name].format(own=lab.public("ed25519"), other=lab.public("ecdsa"), **values) + "\n"
    lines = [f"StrictHostKeyChecking {strictness}"] + ["HostKeyAlias alias"] * ("alias" in name)
    if keyword == "GlobalKnownHostsFile":
        (lab.folder / "global").write_text(text)
        lines.append(f"GlobalKnownHostsFile {lab.folder}/global")
    known_hosts = text if keyword == "UserKnownHostsFile" else ""
    ssh, us = lab.both(section(port_ed25519, *lines), known=known_hosts)
    if strictness == "ask" and "authority" not in name:  # nobody can answer ssh; this program accepts a new key
        lines[0] = "StrictHostKeyChecking accept-new"
        ssh = lab.by_ssh(section(port_ed25519, *lines), known=known_hosts)
    assert us == ssh, us.error


def test_ask_refuses_another_key_type(lab: Comparison, port_ed25519: int) -> None:
    """An impostor can choose the type. Nothing prompts here, so only a host without any key counts as new."""
    text = known(lab, port_ed25519, "rsa")
    ssh, us = lab.both(section(port_ed25519, "StrictHostKeyChecking ask"), known=text)
    assert us == ssh
    assert us.shown is None


def test_no_password_after_changed_key(lab: Comparison) -> None:
    port = lab.serve("PasswordAuthentication yes", "PubkeyAuthentication no", "LogLevel VERBOSE")
    config = section(port, "StrictHostKeyChecking no")
    lab.by_us(config, password="secret")
    assert "Failed password" in lab.logged()
    us = lab.by_us(config, known=known(lab, port, "key"), password="secret")
    assert us.error
    assert "Failed password" not in lab.logged()


@pytest.mark.parametrize(
    ("server", "client"),
    [
        (["Ciphers aes256-ctr"], []),
        (["Ciphers aes128-gcm@openssh.com"], ["Ciphers aes128-ctr"]),
        (["Ciphers aes128-ctr"], ["Ciphers aes128-ctr,aes256-ctr"]),
        (["Ciphers aes128-cbc"], ["Ciphers +aes128-cbc"]),
        (["Ciphers aes256-cbc"], []),
        (["Ciphers aes128-ctr", "MACs hmac-md5"], []),
        (["Ciphers aes128-ctr"], ["Ciphers -aes*-ctr"]),
        (["KexAlgorithms curve25519-sha256"], []),
        (["KexAlgorithms ecdh-sha2-nistp521"], ["KexAlgorithms ecdh-sha2-nistp521"]),
        (["KexAlgorithms diffie-hellman-group16-sha512"], []),
        (["KexAlgorithms ecdh-sha2-nistp256"], ["KexAlgorithms curve25519-sha256"]),
        (["Ciphers aes128-ctr", "MACs hmac-sha1-etm@openssh.com"], []),
        (["Ciphers aes128-ctr", "MACs hmac-sha2-256"], ["MACs hmac-sha2-512"]),
        (["Ciphers aes128-ctr", "MACs hmac-sha2-512-etm@openssh.com"], ["MACs hmac-sha2-512-etm@openssh.com"]),
        (["HostKeyAlgorithms rsa-sha2-256"], []),
        (["Ciphers chacha20-poly1305@openssh.com"], []),
        (["KexAlgorithms diffie-hellman-group1-sha1"], ["KexAlgorithms +diffie-hellman-group1-sha1"]),
        (["Ciphers aes128-ctr", "MACs umac-128-etm@openssh.com"], []),
        (["HostKeyAlgorithms ssh-rsa"], ["HostKeyAlgorithms +ssh-rsa"]),
        (["HostKeyAlgorithms ecdsa-sha2-nistp256"], ["HostKeyAlgorithms ssh-ed25519"]),
    ],
    ids=lambda lines: "; ".join(lines) or "usual",
)
def test_algorithms_agree_as_with_ssh(lab: Comparison, server: list[str], client: list[str]) -> None:
    ssh, us = lab.both(section(lab.serve(*server), *client))
    assert us == ssh, us.error
    if us.shown is None:
        keyword = server[0].split()[0] if len(server) == 1 else "MACs"
        assert f"no algorithm in common for {keyword}: the host offers" in us.error


def test_gateway_has_other_algorithms(lab: Comparison, port: int) -> None:
    gate = lab.serve("Ciphers chacha20-poly1305@openssh.com")
    ssh, us = lab.both(section(port, f"ProxyJump 127.0.0.1:{gate}"))
    assert us == ssh, us.error
    assert len(us.known) == 2
    us = lab.by_us(section(gate), transport="paramiko")
    assert "no algorithm in common for Ciphers: the host offers chacha20-poly1305@openssh.com; the ssh" in us.error


def test_unsupported_algorithms_are_named(lab: Comparison, port: int) -> None:
    us = lab.by_us(section(port, "Ciphers chacha20-poly1305@openssh.com"), transport="paramiko")
    why = "Ciphers chacha20-poly1305@openssh.com in the ssh config: none is supported; add one of aes"
    assert us.error.startswith(f"h: {why}")


REVOKED = "revoked"


@pytest.mark.parametrize("names", [["key"], ["ed25519"], ["key", "ed25519"], []], ids="+".join)
@pytest.mark.parametrize("kind", ["list", "krl"])
def test_only_a_revoked_key_is_refused(lab: Comparison, port_ed25519: int, names: list[str], kind: str) -> None:
    file = lab.folder / REVOKED
    if kind == "list":
        file.write_text("# comment\n\n" + "".join(f"{lab.public(name)} {name}\n" for name in names))
    else:
        keys = [lab.folder / f"{name}.pub" for name in names]
        subprocess.run(["ssh-keygen", "-q", "-k", "-f", file, *keys], check=True)
    ssh, us = lab.both(section(port_ed25519, f"RevokedHostKeys {file}"))
    assert us == ssh, us.error
    if "ed25519" in names:
        assert us.error.endswith(f" is revoked by {file}")


LISTS = {
    "other key after a comment": "# old\n\n  {other} old key\r\n",
    "other key, then this one": "{other}\n\t{own}\n",
    "keys of all types": "{other}\n{rsa}\n{ecdsa}\n{fido}\n{certificate}\n",
    "line of known_hosts": "127.0.0.1 {other}\n",
    "line of authorized_keys": "no-pty {own}\n",
    "marker": "@revoked * {other}\n",
    "damaged key": "{other}AAAA\n",
    "cut key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n",
    "wrong type": "ssh-rsa {blob}\n",
    "unknown type": "ssh-new {blob}\n",
    "empty line of Windows": "{other}\r\n\r\n",
    "damaged list": "SSHKRL\n\0damaged",
    "private key": "-----BEGIN OPENSSH PRIVATE KEY-----\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_revocation_list_counts_as_in_ssh(lab: Comparison, port_ed25519: int, name: str) -> None:
    lab.make_key("authority")
    lab.make_key("certified", "ecdsa")
    make_fido_key(lab.folder / "fido")
    values = {name: lab.public(name) for name in ("rsa", "ecdsa", "fido")}
    values |= {"own": lab.public("ed25519"), "other": lab.public("key"), "blob": lab.public("key").split()[1]}
    values["certificate"] = lab.sign("authority", "certified").read_text().strip()
    file = lab.folder / REVOKED
    file.write_bytes(LISTS[name].format(**values).encode())
    ssh, us = lab.both(section(port_ed25519, f"RevokedHostKeys {file}"))
    assert us == ssh, us.error
    assert us.shown or str(file) in us.error


@pytest.mark.parametrize("spec", ["hash: {print}", "sha256: {own}", "sha1: {other}"])
def test_hash_in_krl_counts_as_in_ssh(lab: Comparison, port_ed25519: int, spec: str) -> None:
    shown = subprocess.run(["ssh-keygen", "-l", "-f", lab.folder / "ed25519.pub"], check=True, capture_output=True)
    own, other, print_ = lab.public("ed25519"), lab.public("key"), shown.stdout.decode().split()[1]
    file, specification = lab.folder / REVOKED, lab.folder / "specification"
    specification.write_text(spec.format(own=own, other=other, print=print_) + "\n")
    subprocess.run(["ssh-keygen", "-q", "-k", "-f", file, specification], check=True)
    ssh, us = lab.both(section(port_ed25519, f"RevokedHostKeys {file}"))
    assert us == ssh, us.error
    assert (us.shown is None) == ("other" not in spec)


def test_missing_revocation_file_refuses(lab: Comparison, port: int) -> None:
    ssh, us = lab.both(section(port, "RevokedHostKeys /nonexistent/file"))
    assert us == ssh
    assert "cannot read /nonexistent/file: no such file" in us.error


@pytest.fixture(scope="module")
def certified(lab: Comparison) -> int:
    """Return the port of an sshd with a certificate for `h.example` and `127.0.0.1`."""
    lab.make_key("authority")
    lab.make_key("other_authority", "rsa")
    lab.make_key("certified", "ecdsa")
    certificate = lab.sign("authority", "certified", "-n", "h.example,127.0.0.1", "-V", "-1d:+1d", "-z", "7")
    return lab.serve(f"HostKey {lab.folder}/certified", f"HostCertificate {certificate}", f"HostKey {lab.folder}/rsa")


@pytest.mark.parametrize("strictness", often(["yes"], ["accept-new"]))
@pytest.mark.parametrize(
    ("authority", "name", "line"),
    [
        ("authority", "[127.0.0.1]:*", ""),
        ("authority", "127.0.0.1", ""),
        ("authority", "*", "HostKeyAlias h.example"),
        ("authority", "*", "HostKeyAlias g.example"),
        ("authority", "*", "CASignatureAlgorithms rsa-sha2-512"),
        ("authority", "*", "HostKeyAlgorithms ecdsa-sha2-nistp256,rsa-sha2-512"),
        ("authority", "*", "HostKeyAlgorithms ecdsa-sha2-nistp256-cert-v01@openssh.com"),
        ("authority", "elsewhere", ""),
        ("other_authority", "*", ""),
    ],
)
def test_certificates_count_as_in_ssh(
    lab: Comparison, certified: int, strictness: str, authority: str, name: str, line: str
) -> None:
    text = f"@cert-authority {name} {lab.public(authority)}\n"
    config = section(certified, f"StrictHostKeyChecking {strictness}", line)
    ssh, us = lab.both(config, known=text)
    assert us == ssh, us.error


@pytest.mark.parametrize(
    ("type_", "options", "reason"),
    [
        ("rsa", ["-V", "-2d:-1d"], "has expired"),
        ("ecdsa", ["-V", "+1d:+2d"], "is not valid yet"),
        ("ed25519", ["-n", "elsewhere"], "is for elsewhere, and not for 127.0.0.1"),
        ("ed25519", ["-n", "127.0.0.1", "-O", "critical:odd=1"], "has unknown options: odd"),
        *((type_, ["-n", "127.0.0.1"], "") for type_ in KEY_TYPES),
    ],
)
def test_invalid_certificate_is_refused(lab: Comparison, type_: str, options: list[str], reason: str) -> None:
    lab.make_key("authority")
    lab.make_key(f"signed_{type_}", type_)
    certificate = lab.sign("authority", f"signed_{type_}", *options)
    port = lab.serve(f"HostKey {lab.folder}/signed_{type_}", f"HostCertificate {certificate}")
    text = f"@cert-authority * {lab.public('authority')}\n"
    ssh, us = lab.both(section(port, "StrictHostKeyChecking yes"), known=text)
    assert us == ssh, us.error
    assert reason in us.error
    assert (us.shown is None) == bool(reason)


def test_ask_requires_the_certificate(lab: Comparison, port: int, certified: int) -> None:
    text = f"@cert-authority * {lab.public('authority')}\n"
    us = lab.by_us(section(port, "StrictHostKeyChecking ask"), known=text)
    assert "needs a certificate by " in us.error
    us = lab.by_us(section(certified, "StrictHostKeyChecking ask", "HostKeyAlias g.example"), known=text)
    assert "is for h.example, 127.0.0.1, and not for g.example" in us.error


@pytest.mark.parametrize("spec", ["serial: 7", "serial: 8", "id: id", "id: other", "", "key"])
def test_revoked_certificate_is_refused(lab: Comparison, certified: int, spec: str) -> None:
    file, specification = lab.folder / REVOKED, lab.folder / "specification"
    specification.write_text(f"{spec}\n" if ":" in spec else "")
    revoked = [lab.folder / "key.pub"] if spec == "key" else []
    authority = lab.folder / "authority.pub"
    command: list[str | Path] = ["ssh-keygen", "-q", "-k", "-f", file, "-s", authority, *revoked, specification]
    subprocess.run(command, check=True, capture_output=True)
    text = f"@cert-authority * {lab.public('authority')}\n"
    for krl in (file, lab.folder / "certified-cert.pub") if spec == "serial: 7" else (file,):
        ssh, us = lab.both(section(certified, f"RevokedHostKeys {krl}"), known=text)
        assert us == ssh, us.error
        assert "cannot be checked" not in us.error


@pytest.mark.parametrize("revoked", ["authority", "certified"])
def test_revoked_authority_is_refused(lab: Comparison, certified: int, revoked: str) -> None:
    text = f"@cert-authority * {lab.public('authority')}\n@revoked * {lab.public(revoked)}\n"
    ssh, us = lab.both(section(certified), known=text)
    assert us == ssh, us.error
    assert "is revoked by" in us.error
    file = lab.folder / REVOKED
    file.write_text(f"{lab.public(revoked)}\n")
    text = f"@cert-authority * {lab.public('authority')}\n"
    ssh, us = lab.both(section(certified, f"RevokedHostKeys {file}"), known=text)
    assert us == ssh, us.error
    assert us.shown is None


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        ('printf "%s\\n" "$1 {key}"', "%H"),
        ('printf "%s\\n" "$1 $2 $3"', "%H %t %K"),
        ("exit 3", ""),
        ("exit 0", ""),
        ('[ "$1" = ORDER ] || printf "%s\\n" "* {key}"', "%I"),
    ],
)
def test_known_hosts_command_is_run(lab: Comparison, port: int, text: str, arguments: str) -> None:
    command = script(lab.folder / "command", text.replace("{key}", lab.public("rsa")))
    lines = ["StrictHostKeyChecking yes", f"KnownHostsCommand {command} {arguments}"]
    ssh, us = lab.both(section(port, *lines))
    assert us == ssh, us.error


def test_loopback_is_trusted_on_request(lab: Comparison, port_ed25519: int) -> None:
    text = known(lab, port_ed25519, "key")
    for line in ("NoHostAuthenticationForLocalhost yes", "NoHostAuthenticationForLocalhost no"):
        ssh, us = lab.both(section(port_ed25519, line), known=text)
        assert us == ssh, us.error


def test_host_keys_option_overrides(lab: Comparison, port_ed25519: int) -> None:
    text = known(lab, port_ed25519, "key")
    us = lab.by_us(section(port_ed25519, "StrictHostKeyChecking no"), known=text, host_keys="accept-new")
    assert "differs from" in us.error
