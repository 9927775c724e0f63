"""The page about the ssh config lists every keyword."""

import gzip
import re
import shutil
from pathlib import Path

from fabfile.ssh.config import openssh
from fabfile.ssh.config.keywords import COMMANDS, CONVERTERS
from tests.support.checkout import ROOT
from tests.support.ssh_config_cases import CASES, FOR_SSH

MANUAL = Path("/usr/share/man/man5/ssh_config.5.gz")
# The keywords in the manual of OpenSSH 9.2.
OF_9_2 = """
AddKeysToAgent AddressFamily BatchMode BindAddress BindInterface CASignatureAlgorithms CanonicalDomains
CanonicalizeFallbackLocal CanonicalizeHostname CanonicalizeMaxDots CanonicalizePermittedCNAMEs CertificateFile
CheckHostIP Ciphers ClearAllForwardings Compression ConnectTimeout ConnectionAttempts ControlMaster ControlPath
ControlPersist DynamicForward EnableEscapeCommandline EnableSSHKeysign EscapeChar ExitOnForwardFailure
FingerprintHash ForkAfterAuthentication ForwardAgent ForwardX11 ForwardX11Timeout ForwardX11Trusted
GSSAPIAuthentication GSSAPIClientIdentity GSSAPIDelegateCredentials GSSAPIKexAlgorithms GSSAPIKeyExchange
GSSAPIRenewalForcesRekey GSSAPIServerIdentity GSSAPITrustDns GatewayPorts GlobalKnownHostsFile HashKnownHosts
Host HostKeyAlgorithms HostKeyAlias HostbasedAcceptedAlgorithms HostbasedAuthentication Hostname IPQoS
IdentitiesOnly IdentityAgent IdentityFile IgnoreUnknown Include KbdInteractiveAuthentication
KbdInteractiveDevices KexAlgorithms KnownHostsCommand LocalCommand LocalForward LogLevel LogVerbose MACs Match
NoHostAuthenticationForLocalhost NumberOfPasswordPrompts PKCS11Provider PasswordAuthentication
PermitLocalCommand PermitRemoteOpen Port PreferredAuthentications ProxyCommand ProxyJump ProxyUseFdpass
PubkeyAcceptedAlgorithms PubkeyAuthentication RekeyLimit RemoteCommand RemoteForward RequestTTY RequiredRSASize
RevokedHostKeys SecurityKeyProvider SendEnv ServerAliveCountMax ServerAliveInterval SessionType SetEnv StdinNull
StreamLocalBindMask StreamLocalBindUnlink StrictHostKeyChecking SyslogFacility TCPKeepAlive Tunnel TunnelDevice
UpdateHostKeys User UserKnownHostsFile VerifyHostKeyDNS VisualHostKey XAuthLocation
"""
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \|", re.MULTILINE)


def rows() -> list[tuple[str, str]]:
    return ROW.findall((ROOT / "docs/ssh-config.md").read_text())


def keywords_of_manual() -> set[str]:
    if not MANUAL.exists():  # some systems install no manuals
        return set(OF_9_2.split())
    text = gzip.decompress(MANUAL.read_bytes()).decode()
    options = text.partition(".Sh PATTERNS")[0]
    return set(re.findall(r"^\.It Cm (\w+)", options, re.MULTILINE))


def test_table_has_a_row_for_every_keyword() -> None:
    listed = [name.lower() for name, _ in rows()]
    assert listed == sorted(set(listed))
    ssh = shutil.which("ssh") or "ssh"
    assert (openssh.defaults(ssh).keys() | CONVERTERS.keys() | COMMANDS) - set(listed) == set()
    assert {effect for _, effect in rows()} == {"obeyed", "harmless"}


def test_table_spells_keywords_as_the_manual() -> None:
    assert keywords_of_manual() - {name for name, _ in rows()} == set()


def test_cases_use_every_keyword_of_the_manual() -> None:
    texts = [text for case in (CASES | FOR_SSH).values() for text in (case.text, *case.files.values())]
    used = {word.lower() for text in texts for word in re.findall(r"^\s*([A-Za-z0-9]+)", text, re.MULTILINE)}
    assert {name.lower() for name in keywords_of_manual()} - used == set()
