"""Host keys: new, changed, revoked and unknown ones."""

import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

import attrs
import pytest

from tests.support.checkout import FAB, ROOT
from tests.support.farm import ThrowawayHost, own_name
from tests.support.lab import Lab

CONFIG = """
for host in {hosts}:
    config.add_component(Component(name="web", executable="/bin/true", host=host, start_index=1, base_dir="~"))
"""


@attrs.frozen
class Trust:
    """`fab screen` on some hosts, with an ssh folder in which no host is known."""

    lab: Lab

    @property
    def known(self) -> Path:
        """The file for new keys, unless the ssh config sets another one."""
        return self.lab.here.home / ".ssh/known_hosts"

    def host(self, name: str, host: ThrowawayHost, *lines: str) -> None:
        """A section of `~/.ssh/config`."""
        section = [f"Host {name}", f"HostName {host.address}", f"Port {host.port}", f"User {own_name()}"]
        section += [f"IdentityFile {self.lab.farm.key}", "IdentitiesOnly yes", *lines, "HashKnownHosts no"]
        config = self.lab.here.home / ".ssh/config"
        config.parent.mkdir(mode=0o700, exist_ok=True)
        with config.open("a") as file:
            file.write("\n    ".join(section) + "\n")

    def fab(self, *hosts: str, then: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
        """Run it."""
        self.lab.config(CONFIG.format(hosts=list(hosts)))
        command = [str(FAB), "-r", str(ROOT), "screen", "-c", "cfg.py", *then]
        return self.lab.prefork.run(command, self.lab.folder, self.lab.environment, 60)

    def ssh(self, name: str) -> bool:
        """Whether ssh takes that host for the right one."""
        config = self.lab.here.home / ".ssh/config"
        options = ["-oStrictHostKeyChecking=yes", f"-oUserKnownHostsFile={self.known}", "-oBatchMode=yes"]
        return subprocess.run(["ssh", "-F", config, *options, name, "true"], capture_output=True).returncode == 0


@pytest.fixture
def trust(lab: Lab) -> Trust:
    return Trust(lab)


def public_key(host: ThrowawayHost, name: str = "host_key") -> str:
    """Type and key."""
    return " ".join((host.folder / f"{name}.pub").read_text().split()[:2])


def fingerprint(host: ThrowawayHost) -> str:
    done = subprocess.run(["ssh-keygen", "-l", "-f", host.folder / "host_key.pub"], capture_output=True, text=True)
    return done.stdout.split()[1]


def test_new_key_is_stored_and_printed(trust: Trust) -> None:
    lab = trust.lab
    trust.host("one", lab.node1)
    trust.host("two", lab.node2)
    assert not trust.ssh("one")
    first = trust.fab("one", "two")
    assert first.returncode == 0
    told = f"added new host key ssh-ed25519 {fingerprint(lab.node1)} to {trust.known}"
    assert sorted(first.stderr.splitlines())[0] == f"WARNING: one: {told}"
    assert len(first.stderr.splitlines()) == 2
    names = {f"[{host.address}]:{host.port} {public_key(host)}" for host in (lab.node1, lab.node2)}
    assert set(trust.known.read_text().splitlines()) == names
    assert stat.S_IMODE(trust.known.stat().st_mode) == 0o600
    again = trust.fab("one", "two")
    assert (again.returncode, again.stderr) == (0, "")
    assert trust.ssh("one") and trust.ssh("two")


def test_changed_host_key_is_refused(trust: Trust) -> None:
    lab = trust.lab
    trust.host("one", lab.node1)
    trust.host("two", lab.node2)
    trust.known.write_text(f"# mine\n[{lab.node1.address}]:{lab.node1.port} {public_key(lab.node2)}")
    before = trust.known.read_text()
    why = (
        f"one: connect: host key ssh-ed25519 {fingerprint(lab.node1)} differs from {trust.known} line 2; the host was"
        " reinstalled, or another machine pretends to be it; remove that line if you trust the new key"
    )
    for then in ([], ["--host-keys", "accept-new"], ["--host-keys", "strict"]):
        done = trust.fab("one", "two", then=then)
        assert done.returncode == 1
        assert done.stderr.splitlines()[-4:] == [
            why,
            "connect failed; no host was changed",
            " ".join(
                [f"without these hosts: fab -r {ROOT} screen --config {lab.folder}/cfg.py --limit '!one/*'", *then]
            ),
            " ".join([f"repeat with: fab -r {ROOT} screen --config {lab.folder}/cfg.py", *then]),
        ]
    assert lab.node1.sessions() == lab.node2.sessions() == []
    done = trust.fab("one", "two", then=["--keep-going"])
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        why,
        "1 host failed; the other hosts are done",
        f"repeat with: fab -r {ROOT} screen --config {lab.folder}/cfg.py --limit 'one/*' --keep-going",
    ]
    assert lab.node1.sessions() == []
    assert lab.node2.sessions() == ["runner"]
    added = f"[{lab.node2.address}]:{lab.node2.port} {public_key(lab.node2)}\n"
    assert trust.known.read_text() == f"{before}\n{added}"  # a line of its own


def test_strict_refuses_unknown_key(trust: Trust) -> None:
    lab = trust.lab
    trust.host("one", lab.node1, "UserKnownHostsFile ~/.ssh/mine", "GlobalKnownHostsFile none")
    trust.host("two", lab.node2, "StrictHostKeyChecking yes")
    done = trust.fab("one", then=["--host-keys", "strict"])
    assert (done.returncode, lab.node1.sessions()) == (1, [])
    mine = trust.known.with_name("mine")
    assert done.stderr == (
        f"one: connect: host key ssh-ed25519 {fingerprint(lab.node1)} is not in {mine}; add it if you trust it\n"
        "connect failed; no host was changed\n"
        f"repeat with: fab -r {ROOT} screen --config {lab.folder}/cfg.py --host-keys strict\n"
    )
    assert "is not in" in trust.fab("two").stderr
    assert not mine.exists() and not trust.known.exists()
    (lab.here.home / ".fabric.yaml").write_text("remote_runner:\n  host_keys: strict\n")
    assert trust.fab("one").returncode == 1
    assert trust.fab("one", "two", then=["--host-keys", "accept-new"]).returncode == 0
    assert mine.exists() and trust.known.exists()
    assert trust.fab("two").returncode == 0
    assert trust.fab("two", then=["--host-keys", "sometimes"]).stderr == (
        "--host-keys sometimes: must be one of accept-new, strict\n"
    )


def test_ssh_config_rules_for_keys_hold(trust: Trust) -> None:
    lab = trust.lab
    files = trust.known.with_name("a b"), trust.known.with_name("global")
    trust.host("one", lab.node1, "HostKeyAlias Cluster", f'UserKnownHostsFile %d/.ssh/no "{files[0]}"')
    trust.host("two", lab.node2, f"GlobalKnownHostsFile {files[1]}", "HashKnownHosts yes")
    files[0].write_text(f"cluster {public_key(lab.node1)}\n")
    files[1].write_text(f"{lab.node2.address} {public_key(lab.node2)}\n")
    done = trust.fab("one", "two", then=["--host-keys", "strict"])
    assert (done.returncode, done.stderr) == (0, "")
    files[1].write_text(f"{lab.node2.address} {public_key(lab.node1)}\n")  # of another port, perhaps
    assert trust.fab("two").returncode == 0
    assert trust.known.read_text().startswith("|1|")
    assert trust.ssh("two")
    assert (trust.fab("two").stderr, trust.known.read_text().count("\n")) == ("", 1)


def test_known_key_type_is_requested(trust: Trust) -> None:
    lab = trust.lab
    keys = {}
    for name in ("rsa", "ecdsa"):
        keys[name] = lab.folder / name
        subprocess.run(["ssh-keygen", "-q", "-t", name, "-N", "", "-f", keys[name]], check=True)
    host = lab.farm.add("several", {"HostKey": f"{keys['ecdsa']}\nHostKey {keys['rsa']}"})
    trust.host("many", host)
    for name in keys:
        key = " ".join(keys[name].with_suffix(".pub").read_text().split()[:2])
        trust.known.write_text(f"[{host.address}]:{host.port} {key}\n")
        done = trust.fab("many", then=["--host-keys", "strict"])
        assert (done.returncode, done.stderr) == (0, "")


def test_gateway_key_is_checked(trust: Trust) -> None:
    lab = trust.lab
    trust.host("gate", lab.node1)
    trust.host("far", lab.node2, "ProxyJump gate")
    trust.known.write_text(f"[{lab.node1.address}]:{lab.node1.port} {public_key(lab.node2)}\n")
    done = trust.fab("far")
    assert done.returncode == 1
    assert done.stderr.startswith(f"far: connect: gateway gate: host key ssh-ed25519 {fingerprint(lab.node1)} differs")
    trust.known.unlink()
    done = trust.fab("far")
    assert (done.returncode, len(trust.known.read_text().splitlines())) == (0, 2)
    assert {line.split(": ")[1] for line in done.stderr.splitlines()} == {"gate", "far"}


@pytest.mark.parametrize(
    ("lines", "is_taken"),
    [
        (["StrictHostKeyChecking yes # lab"], False),
        (["StrictHostKeyChecking true"], False),
        (["StrictHostKeyChecking accept-new"], True),
        (["StrictHostKeyChecking no"], True),
        (["StrictHostKeyChecking off"], True),
        (["StrictHostKeyChecking yess"], None),
        (["RevokedHostKeys ~/revoked"], False),
        (["RevokedHostKeys none"], True),
        (["KnownHostsCommand /bin/true"], True),
        (["KnownHostsCommand /bin/false"], False),
        (["HostKeyAlgorithms ecdsa-sha2-nistp256"], False),
        (["HostKeyAlgorithms nonsense"], None),
        (["HostKeyAlias a b"], None),
        (["HostKeyAlias one # lab"], True),
    ],
)
def test_accept_new_works_as_in_ssh(trust: Trust, lines: list[str], is_taken: bool | None) -> None:
    trust.host("one", trust.lab.node1, *lines)
    done = trust.fab("one")
    assert done.returncode == {True: 0, False: 1, None: 2}[is_taken], done.stderr
    assert trust.known.exists() == bool(is_taken)
    if is_taken:
        assert trust.fab("one").stderr == "", "it is known now"


def test_revoked_key_is_refused_on_any_port(trust: Trust) -> None:
    host = trust.lab.node1
    trust.host("one", host)
    trust.known.write_text(f"{host.address} {public_key(host)}\n @revoked {host.address} {public_key(host)}\n")
    done = trust.fab("one")
    assert f"is revoked by {trust.known} line 2" in done.stderr


def test_known_hosts_path_may_have_blanks(trust: Trust) -> None:
    host = trust.lab.node1
    for name in ("a b", "c d"):
        trust.host(
            f"in-{name[0]}", host, f'UserKnownHostsFile "{trust.known.parent}/no {name}" "{trust.known.parent}/{name}"'
        )
        trust.known.with_name(name).write_text(f"[{host.address}]:{host.port} {public_key(host)}\n")
        done = trust.fab(f"in-{name[0]}", then=["--host-keys", "strict"])
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("UserKnownHostsFile none", "is unknown, and UserKnownHostsFile sets no file to add it to; set one, or add"),
        ("UserKnownHostsFile %x", "config: userknownhostsfile '%x' in the ssh config: unknown token %x: "),
        ("UserKnownHostsFile a'b", "config line 7: invalid quotes"),
    ],
)
def test_key_that_cannot_be_stored_fails(trust: Trust, line: str, why: str) -> None:
    trust.host("one", trust.lab.node1, line)
    done = trust.fab("one")
    assert done.returncode in (1, 2)
    assert why in done.stderr
    assert "Traceback" not in done.stderr
    assert trust.lab.node1.sessions() == []


def test_dev_null_key_is_printed_each_time(trust: Trust) -> None:
    trust.host("one", trust.lab.node1, "UserKnownHostsFile /dev/null")
    for _ in range(2):
        done = trust.fab("one")
        assert done.returncode == 0
        assert done.stderr.startswith("WARNING: one: added new host key ssh-ed25519 ")
