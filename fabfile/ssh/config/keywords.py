"""The keywords of ssh_config(5), and how to convert their values."""

from collections.abc import Iterable

from . import values
from .values import Converter, choice, flag, number, one_of, time, word

# Algorithms that every OpenSSH since 8.2 knows.
CIPHERS = {
    "3des-cbc",
    *(f"aes{bits}-{mode}" for bits in (128, 192, 256) for mode in ("cbc", "ctr")),
    *(f"aes{bits}-gcm@openssh.com" for bits in (128, 256)),
    "chacha20-poly1305@openssh.com",
}
HMACS = ("hmac-sha1", "hmac-sha2-256", "hmac-sha2-512", "hmac-md5")
MACS = {*HMACS, "umac-64@openssh.com", "umac-128@openssh.com"}
MACS |= {*(f"{name}-etm@openssh.com" for name in HMACS), "umac-64-etm@openssh.com", "umac-128-etm@openssh.com"}
KEX = {
    "curve25519-sha256",
    "curve25519-sha256@libssh.org",
    *(f"ecdh-sha2-nistp{bits}" for bits in (256, 384, 521)),
    "diffie-hellman-group-exchange-sha256",
    "diffie-hellman-group-exchange-sha1",
    *(f"diffie-hellman-{group}" for group in ("group14-sha256", "group14-sha1", "group16-sha512", "group18-sha512")),
    "diffie-hellman-group1-sha1",
}
GSS_KEX = {f"gss-{name}-" for name in ("group14-sha256", "group16-sha512", "nistp256-sha256", "curve25519-sha256")}
EC_KEYS = [f"ecdsa-sha2-nistp{bits}" for bits in (256, 384, 521)]
SIGNATURES = {"ssh-ed25519", *EC_KEYS, "ssh-rsa", "rsa-sha2-256", "rsa-sha2-512"}
KEYS = SIGNATURES | {f"{name}-cert-v01@openssh.com" for name in SIGNATURES}

LOG_LEVELS = ("QUIET", "FATAL", "ERROR", "INFO", "VERBOSE", "DEBUG", "DEBUG2", "DEBUG3")
FACILITIES = ("DAEMON", "USER", "AUTH", *(f"LOCAL{number}" for number in range(8)))
TUNNELS = {"no": "no", "false": "no", "ethernet": "ethernet"} | dict.fromkeys(
    ("yes", "true", "point-to-point"), "point-to-point"
)
HASHES = ("MD5", "SHA1", "SHA256", "SHA384", "SHA512")


def _upper(names: Iterable[str]) -> dict[str, str]:
    return {name.lower(): name for name in names}


CONVERTERS: dict[str, Converter] = {
    "addkeystoagent": values.keys_to_agent,
    "addressfamily": choice({"any": "any", "inet": "inet", "inet6": "inet6"}),
    "batchmode": flag,
    "bindaddress": word,
    "bindinterface": word,
    "canonicaldomains": values.domains,
    "canonicalizefallbacklocal": flag,
    "canonicalizehostname": flag,
    "canonicalizemaxdots": number(),
    "canonicalizepermittedcnames": values.one_none,
    "casignaturealgorithms": values.algorithms(SIGNATURES, "sig"),
    "certificatefile": values.added,
    "checkhostip": flag,
    "ciphers": values.algorithms(CIPHERS, "cipher"),
    "clearallforwardings": flag,
    "compression": choice({"yes": "yes", "no": "no"}),
    "connectionattempts": number(least=1),
    "connecttimeout": time,
    "controlmaster": one_of("auto", "ask", "autoask"),
    "controlpath": word,
    "controlpersist": values.persist,
    "dynamicforward": values.dynamic_forward,
    "enableescapecommandline": flag,
    "enablesshkeysign": flag,
    "escapechar": values.escape_char,
    "exitonforwardfailure": flag,
    "fingerprinthash": choice(_upper(HASHES)),
    "forkafterauthentication": choice({"no": "no", "false": "no"}),  # `yes` needs a command
    "forwardagent": flag,
    "forwardx11": flag,
    "forwardx11timeout": time,
    "forwardx11trusted": flag,
    "gatewayports": flag,
    "globalknownhostsfile": values.many,
    "gssapiauthentication": flag,
    "gssapiclientidentity": word,
    "gssapidelegatecredentials": flag,
    "gssapikexalgorithms": values.algorithms(GSS_KEX, "kex-gss"),
    "gssapikeyexchange": flag,
    "gssapirenewalforcesrekey": flag,
    "gssapiserveridentity": word,
    "gssapitrustdns": flag,
    "hashknownhosts": flag,
    "hostbasedacceptedalgorithms": values.algorithms(KEYS, "HostKeyAlgorithms"),
    "hostbasedauthentication": flag,
    "hostkeyalgorithms": values.algorithms(KEYS, "HostKeyAlgorithms"),
    "hostkeyalias": word,
    "hostname": word,
    "identitiesonly": flag,
    "identityagent": values.agent,
    "identityfile": values.added,
    "ignoreunknown": word,
    "ipqos": values.quality,
    "kbdinteractiveauthentication": flag,
    "kbdinteractivedevices": word,
    "kexalgorithms": values.algorithms(KEX, "kex"),
    "localforward": values.forward,
    "loglevel": choice(_upper(LOG_LEVELS) | {"debug1": "DEBUG"}),
    "logverbose": values.one_value,
    "macs": values.algorithms(MACS, "mac"),
    "nohostauthenticationforlocalhost": flag,
    "numberofpasswordprompts": number(),
    "passwordauthentication": flag,
    "permitlocalcommand": flag,
    "permitremoteopen": values.permitted,
    "pkcs11provider": word,
    "port": number(least=1, most=65535),
    "preferredauthentications": word,
    "proxyusefdpass": flag,
    "pubkeyacceptedalgorithms": values.algorithms(KEYS, "HostKeyAlgorithms"),
    "pubkeyauthentication": one_of("unbound", "host-bound"),
    "rekeylimit": values.rekey,
    "remoteforward": values.forward,
    "requesttty": one_of("force", "auto"),
    "requiredrsasize": number(),
    "revokedhostkeys": word,
    "securitykeyprovider": word,
    "sendenv": values.send_env,
    "serveralivecountmax": number(),
    "serveraliveinterval": time,
    "sessiontype": choice({"none": "none", "default": "default", "subsystem": "subsystem"}),
    "setenv": values.set_env,
    "stdinnull": flag,
    "streamlocalbindmask": values.mask,
    "streamlocalbindunlink": flag,
    "stricthostkeychecking": choice(values.FLAGS | {"ask": "ask", "accept-new": "accept-new", "off": "no"}),
    "syslogfacility": choice(_upper(FACILITIES)),
    "tcpkeepalive": flag,
    "tunnel": choice(TUNNELS),
    "tunneldevice": values.tunnel_device,
    "updatehostkeys": flag,  # `ask` depends on other settings
    "user": word,
    "userknownhostsfile": values.many,
    "verifyhostkeydns": one_of("ask"),
    "visualhostkey": flag,
    "xauthlocation": word,
}
# Their value is the rest of the line, with quotes and `#`.
COMMANDS = {"knownhostscommand", "localcommand", "proxycommand", "proxyjump", "remotecommand"}
# Older and other spellings.
ALIASES = {
    "challengeresponseauthentication": "kbdinteractiveauthentication",
    "skeyauthentication": "kbdinteractiveauthentication",
    "tisauthentication": "kbdinteractiveauthentication",
    "dsaauthentication": "pubkeyauthentication",
    "hostbasedkeytypes": "hostbasedacceptedalgorithms",
    "identityfile2": "identityfile",
    "keepalive": "tcpkeepalive",
    "pubkeyacceptedkeytypes": "pubkeyacceptedalgorithms",
    "smartcarddevice": "pkcs11provider",
}
# ssh accepts and ignores these.
IGNORED = {"protocol", "cipher", "fallbacktorsh", "globalknownhostsfile2", "rhostsauthentication"}
IGNORED |= {"userknownhostsfile2", "useroaming", "usersh", "useprivilegedport"}
# A line adds to the values of earlier lines. `ssh -G` prints a line for each value.
CUMULATIVE = {"certificatefile", "dynamicforward", "identityfile", "localforward", "remoteforward", "sendenv"}
LISTS = CUMULATIVE | {"setenv"}
# Names of files in one line. Those with special characters are quoted here.
QUOTED = {"globalknownhostsfile", "userknownhostsfile"}
