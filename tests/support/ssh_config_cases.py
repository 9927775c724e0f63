"""Ssh configs, with the hosts to ask for, for tests that compare this program with the installed OpenSSH."""

from collections.abc import Mapping

import attrs


@attrs.frozen
class Case:
    """An ssh config, other files beside it, and names of hosts. `{folder}` in a text is the folder of the files."""

    text: str
    names: tuple[str, ...] = ("node1",)
    files: Mapping[str, str] = attrs.field(factory=dict)
    user: str | None = None
    port: int | None = None


# Lines of which each one sets something, below `Host node1`. The keywords are those of ssh_config(5).
LINES = [
    "AddKeysToAgent yes",
    "AddKeysToAgent confirm 5m",
    "AddKeysToAgent 1h",
    "AddressFamily INET6",
    "BatchMode no",
    "BindAddress 127.0.0.1",
    "BindInterface lo",
    "CanonicalDomains Example.org sub.example.com",
    "CanonicalizeFallbackLocal no",
    "CanonicalizeHostname no",
    "CanonicalizeMaxDots 3",
    "CanonicalizePermittedCNAMEs none",
    "CASignatureAlgorithms rsa-sha2-512,ssh-ed25519",
    "CertificateFile ~/.ssh/%h-cert.pub\nCertificateFile /c2\nCertificateFile /c2",
    "CheckHostIP yes",
    "Ciphers aes256-ctr,aes128-gcm@openssh.com",
    "ClearAllForwardings yes\nLocalForward 8080 localhost:80\nTunnel yes",
    "Compression yes",
    "ConnectionAttempts 4",
    "ConnectTimeout 1m30s",
    "ConnectTimeout none\nConnectTimeout 7",
    "ControlMaster autoask",
    "ControlMaster TRUE",
    "ControlPath ~/cm-%r@%h:%p-%C-%%",
    "ControlPath none",
    "ControlPersist 10m",
    "ControlPersist yes",
    "DynamicForward 1080\nDynamicForward 127.0.0.1:1081",
    "EnableEscapeCommandline yes",
    "EnableSSHKeysign yes",
    "EscapeChar none",
    "EscapeChar !",
    "ExitOnForwardFailure yes",
    "FingerprintHash md5",
    "ForkAfterAuthentication no",
    "ForwardAgent yes",
    "ForwardX11 yes",
    "ForwardX11Timeout 2h",
    "ForwardX11Trusted no",
    "GatewayPorts yes",
    "GlobalKnownHostsFile /etc/k1 /etc/k2\nGlobalKnownHostsFile /etc/k3",
    "GlobalKnownHostsFile none",
    "GSSAPIAuthentication yes",
    "GSSAPIClientIdentity alice",
    "GSSAPIDelegateCredentials yes",
    "GSSAPIKexAlgorithms gss-group14-sha256-",
    "GSSAPIKeyExchange yes",
    "GSSAPIRenewalForcesRekey yes",
    "GSSAPIServerIdentity bob",
    "GSSAPITrustDns yes",
    "HashKnownHosts yes",
    "HostbasedAcceptedAlgorithms ssh-ed25519,rsa-sha2-256-cert-v01@openssh.com",
    "HostbasedAuthentication yes",
    "HostKeyAlgorithms ssh-ed25519,rsa-sha2-512",
    "HostKeyAlias Name.Of.Key",
    "Hostname %h.example.org",
    "Hostname 100%%.example.org",
    "IdentitiesOnly yes",
    "IdentityAgent ~/agents/%r-%u-%i-%L",
    "IdentityAgent none",
    "IdentityAgent ${HOME}/agent",
    "IdentityAgent SSH_AUTH_SOCK",
    'IdentityFile ~/.ssh/a\nIdentityFile /k/%n\nIdentityFile ~/.ssh/a\nIdentityFile "/k/with space"',
    "IdentityFile none",
    "IgnoreUnknown Nonsense*",
    "IPQoS AF21",
    "IPQoS lowdelay cs1",
    "KbdInteractiveAuthentication no",
    "KbdInteractiveDevices bsdauth,pam",
    "KexAlgorithms curve25519-sha256,ecdh-sha2-nistp256",
    "KnownHostsCommand /usr/bin/keys %H # with a comment",
    "LocalCommand echo '%h' # not a comment",
    "LocalForward 8080 localhost:80\nLocalForward 127.0.0.1:8081 host:0443\nLocalForward 8080 localhost:80",
    "LogLevel debug1",
    "LogVerbose kex.c:*:1000",
    "MACs hmac-sha2-256,umac-128-etm@openssh.com",
    "NoHostAuthenticationForLocalhost yes",
    "NumberOfPasswordPrompts 1",
    "PasswordAuthentication no",
    "PermitLocalCommand yes",
    "PermitRemoteOpen host:80 other:*",
    "PermitRemoteOpen none",
    "PKCS11Provider /lib/p11.so",
    "Port 0022\nPort 23",
    "PreferredAuthentications publickey,password",
    "ProxyCommand sh -c 'exec nc \"%h\" %p' # to the end\nProxyJump never",
    "ProxyCommand none\nProxyJump never",
    "ProxyJump gate\nProxyCommand never",
    "ProxyJump alice@first:2222,ssh://bob@second:22,carol@10.0.0.1:33",
    "ProxyJump none",
    "ProxyUseFdpass yes",
    "PubkeyAcceptedAlgorithms ssh-ed25519,rsa-sha2-512",
    "PubkeyAuthentication host-bound",
    "PubkeyAuthentication False",
    "RekeyLimit 1G 1h",
    "RekeyLimit 500M\nRekeyLimit default 1d",
    "RekeyLimit default none",
    "RemoteCommand tmux new -A -s '%r on %h'",
    "RemoteForward 9000 localhost:90",
    "RequestTTY force",
    "RequiredRSASize 2048",
    "RevokedHostKeys ~/revoked",
    "SecurityKeyProvider /lib/sk.so",
    "SendEnv LANG LC_*\nSendEnv EDITOR -LC_*",
    "ServerAliveCountMax 9",
    "ServerAliveInterval 1m",
    "SessionType none",
    "SetEnv A=1 B='two words' A=3\nSetEnv C=4",
    "StdinNull yes",
    "StreamLocalBindMask 0022",
    "StreamLocalBindUnlink yes",
    "StrictHostKeyChecking accept-new",
    "StrictHostKeyChecking OFF",
    "SyslogFacility local3",
    "TCPKeepAlive no",
    "Tunnel ethernet",
    "TunnelDevice 3",
    "TunnelDevice any:4",
    "UpdateHostKeys no",
    "User alice",
    "UserKnownHostsFile ~/k-%k /k-%p",
    "UserKnownHostsFile NONE",
    "VerifyHostKeyDNS ask",
    "VisualHostKey yes",
    "XAuthLocation /opt/xauth",
    # Older names, and ones that ssh ignores.
    "ChallengeResponseAuthentication no\nKeepAlive no\nPubkeyAcceptedKeyTypes ssh-ed25519\nIdentityFile2 /k",
    "Protocol 2\nCipher blowfish\nUseRoaming no",
    # Spelling.
    "port=2222",
    "PORT = 2222",
    "Port\t2222\t",
    "\t Port   2222  # comment",
    'Port "2222"',
    "Port '2222'",
    'User "alice" # comment',
    'User al\\"ice',
    "User 'a b'",
    "User a\\ b",
    "User a#b",
    "User \"\"'x'",
    "Port 2222\r\nUser crlf\r",
    "Compression yes\f",
    "   # only a comment\n#Port 1\n\nPort 2",
    "User \u00e4\u00f6",
]

HOSTS = """\
User early
Host node1 node2
    Port 1001
Host node? !node2
    IdentityFile /node
Host !node1 node*
    IdentityFile /not-node1
Host Node1 "node1" 10.0.0.*
    Compression yes
Host *.example.org
    HostName inner-%h
Host fe80::1 ::1
    Port 1002
Host *
    Port 9
    User late
    IdentityFile /all
"""
MATCHES = """\
Match all
    IdentityFile /all
Match host node1
    Port 1001
Match host=*.example.org,!bad.example.org user root
    Port 1002
Match originalhost node1,NODE2 !localuser nobody
    IdentityFile /original
Host alias
    HostName target
    User alice
Match host target
    IdentityFile /target
Match host target user alice,bob
    Port 1003
Match !host target
    SendEnv NOT_TARGET
Match user alice
    IdentityFile /alice
match ORIGINALHOST alias  HOST  target # comment
    ServerAliveInterval 5
Match !all
    Port 7
"""
FINAL = """\
Host short
    HostName long.example.org
    SendEnv TWICE
Host long.example.org
    Port 2222
    User second
Match final all
    IdentityFile /final
    ForwardX11Trusted yes
Match !final host short
    Compression yes
Match final host *.example.org
    ServerAliveInterval 9
"""
NAMES = ("node1", "node2", "node3", "NODE1", "a.example.org", "bad.example.org", "::1", "10.0.0.7", "alias", "node*")
NESTED = {
    "one": "Host node2\n Port 1\nHost *\n IdentityFile /one\n Include {folder}/two\nUser inner\n",
    "two": "Port 22\nMatch host node1\n User two\n",
    "d/b": "SendEnv B\n",
    "d/a": "SendEnv A\nHost none\n SendEnv NONE\n",
    "d/c/x": "SendEnv X\n",
}

# What Fedora and RHEL ship: /etc/ssh/ssh_config.d/50-redhat.conf and the file that it includes.
FEDORA = {
    "50-redhat.conf": "Match final all\n\tInclude {folder}/openssh.config\n\n\tForwardX11Trusted yes\n",
    "openssh.config": """\
Ciphers aes256-gcm@openssh.com,chacha20-poly1305@openssh.com,aes256-ctr,aes128-gcm@openssh.com,aes128-ctr
MACs hmac-sha2-256-etm@openssh.com,hmac-sha1-etm@openssh.com,umac-128-etm@openssh.com,hmac-sha2-512-etm@openssh.com
GSSAPIKexAlgorithms gss-curve25519-sha256-,gss-nistp256-sha256-,gss-group14-sha256-,gss-group16-sha512-
KexAlgorithms sntrup761x25519-sha512@openssh.com,curve25519-sha256,ecdh-sha2-nistp256,diffie-hellman-group14-sha256
PubkeyAcceptedAlgorithms ecdsa-sha2-nistp256,sk-ecdsa-sha2-nistp256@openssh.com,ssh-ed25519,rsa-sha2-512
CASignatureAlgorithms ecdsa-sha2-nistp256,sk-ecdsa-sha2-nistp256@openssh.com,rsa-sha2-256
RequiredRSASize 2048
""",
}

CASES: dict[str, Case] = {f"line {line.splitlines()[0][:40]}": Case(f"Host node1\n {line}\n") for line in LINES}
CASES |= {
    "empty": Case(""),
    "fedora": Case("Host node1\n Ciphers aes128-ctr\nInclude {folder}/50-*.conf\n", ("node1", "node2"), FEDORA),
    "hosts": Case(HOSTS, NAMES),
    "matches": Case(MATCHES, NAMES),
    "final": Case(FINAL, ("short", "long.example.org", "SHORT", "other")),
    "given user": Case(MATCHES, NAMES, user="alice", port=77),
    "given user in tokens": Case("ControlPath /%r-%p-%C\nMatch user bob\n Port 5\n", user="bob", port=9),
    "addresses": Case(
        "User x\n", ("127.1", "127.0.0.1", "::0001", "FE80::1", "0x7f000001", "1.2.3.4.5", "1host", "a.")
    ),
    "address of HostName": Case("HostName 127.2\n"),
    "multibyte names": Case(
        "Host ?\n Port 1\nHost ??\n Port 2\nHost h???\n Port 3\nHost *é !?x*\n User u\nMatch host **é?\n Port 4\n"
        "Match originalhost ????\n Port 5\nHost é*\n Port 6\n",
        ("h", "é", "h€", "ßé", "éxyz", "É"),
    ),
    "unset variable of an agent": Case("IdentityAgent $RR_NO_SUCH_VARIABLE\n"),
    "agent of a variable": Case("IdentityAgent $SSH_AUTH_SOCK\nIdentityAgent ${HOME}/x\n"),
    "agent in capitals": Case("IdentityAgent NONE\n"),
    "agent of another spelling": Case("IdentityAgent ssh_auth_sock\n"),
    "address family": Case("AddressFamily inet\n", ("::1", "127.1", "::0001")),
    "include": Case("Include {folder}/one\nPort 9\n", NAMES, NESTED),
    "include below other host": Case(
        "Host other\n Include {folder}/one\n Port 8\n", ("node1", "node2", "other"), NESTED
    ),
    "include below match": Case("Match host node1\n Include {folder}/one\n Port 8\n", ("node1", "node2"), NESTED),
    "include that changes the host": Case(
        "Match host node1 !user late\n Include {folder}/late\n Port 8\n",
        ("node1",),
        {"late": "HostName a\nUser late\n"},
    ),
    "include below final": Case("Match final all\n Include {folder}/one\n", ("node1", "node2"), NESTED),
    "include glob with folder": Case('Include {folder}/d/* {folder}/no-such "{folder}/o?e"\n', NAMES, NESTED),
    "include relative": Case("Include no-such-file-*\nPort 3\n"),
    "ignore unknown": Case("IgnoreUnknown UseKeychain,other*\nHost *\n UseKeychain yes\n OtherThing\tx y\n"),
    "last line without newline": Case("Port 5\nUser x"),
    "first wins over all": Case("Host *\n Port 1\n" + "".join(f"Host node1\n Port {n}\n" for n in range(2, 6))),
    "sendenv twice": Case("SendEnv A\nSendEnv A B\nMatch final all\n Port 3\n"),
}

# ssh itself has to read these: it knows more, or runs a command.
FOR_SSH: dict[str, Case] = {
    "exec": Case('Match exec "test %n = node1"\n Port 1\nHost *\n Port 2\n', ("node1", "node2")),
    "exec below other host": Case("Host other\n Port 3\nMatch host node1 exec false\n Port 1\n", ("node1",)),
    "canonical": Case("Match canonical all\n Port 1\n"),
    "quoted criterion": Case('Match host "node1"\n Port 1\n'),
    "canonicalize": Case("CanonicalizeHostname yes\nCanonicalDomains invalid\nMatch canonical host node1\n Port 5\n"),
    "added ciphers": Case("Ciphers +aes128-cbc\nMACs -hmac-sha1*\nKexAlgorithms ^ecdh-sha2-nistp256\n"),
    "removed key types": Case("HostKeyAlgorithms -ssh-ed25519*\nPubkeyAcceptedAlgorithms +ssh-rsa\n"),
    "port by name": Case("Port ssh\n"),
    "agent to forward": Case("ForwardAgent /no/such/agent\n"),
    "jump after none": Case("ProxyJump none\nProxyJump never\n"),
    "command after jump none": Case("ProxyJump none\nProxyCommand never\n"),
    "two words as a jump": Case("ProxyJump a b\n"),
    "forward of sockets": Case("LocalForward /tmp/s /tmp/t\nRemoteForward 1080\nDynamicForward [::1]:1080\n"),
    "user known hosts and keys": Case("UserKnownHostsFile /k\nUpdateHostKeys ask\n"),
    "batch mode": Case("BatchMode yes\nEscapeChar ^X\n"),
    "include with class": Case("Include {folder}/[^x]ne\n", ("node1", "node2"), NESTED),
    "fork without a command": Case("ForkAfterAuthentication yes\n"),
    "IPQoS number": Case("IPQoS 0x10\n"),
    "quoted keyword": Case('"Port" 5\n'),
    "jump to IPv6": Case("ProxyJump alice@[::1]:2222\n"),
    "other tunnels": Case("RekeyLimit 1.5G\nTunnelDevice 4:any\nStreamLocalBindMask 777\nLogVerbose a b\n"),
}

# ssh refuses these, with a message that names the line.
INVALID = [
    "Nonsense yes",
    "Port 70000",
    "Port",
    "Port 22 23",
    "ConnectTimeout 5x",
    "Compression maybe",
    "StrictHostKeyChecking sometimes",
    "Ciphers rot13",
    "HostKeyAlgorithms none-such",
    'User "open',
    "Match",
    "Match host",
    "Match nonsense x",
    "Match all host x",
    "SetEnv A",
    "UserKnownHostsFile none /x",
    "ConnectionAttempts 0",
    "IdentityAgent ${RR_NO_SUCH_VARIABLE}",
    "IdentityAgent /x/${RR_NO_SUCH_VARIABLE}\nHost h\n IdentityAgent none",
    "Host other\n IdentityAgent ${RR_NO_SUCH_VARIABLE}/x",
    "IdentityAgent ${HOME",
    "IdentityAgent $HOME/x",
    "IdentityAgent $",
    "Host other\n IdentityAgent $A-B",
    "HostName %x",
    "ControlPath /%z",
    'Host ""',
    "Include {folder}/config",
    "LogLevel LOUD",
    "RekeyLimit 5",
    "EscapeChar ab",
    "TunnelDevice x",
    "SendEnv A=b",
]
