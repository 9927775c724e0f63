"""The method `publickey`: one key after the other. A key that cannot be used never stops the others."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import paramiko

from . import keys
from .exchange import LONG_WAIT, TIRED, Disconnected, Exchange, Expired, Reply
from .identities import Identity, identities, short, signer_of
from .key_files import KeyFile, KeyFileError, PassphraseNeeded, certificate, key_file
from .keys import KeyUnusable
from .report import ACCEPTED, REFUSED, Report
from .settings import IdentityFile, LoginSettings

if TYPE_CHECKING:
    from .agents import Agent, AgentKey

log = logging.getLogger(__name__)

NO_ALGORITHM = "the host supports no signature algorithm for it"


class PublicKey:
    """The keys for one login. `ask` asks the user, or returns None if nobody can answer."""

    def __init__(
        self, settings: LoginSettings, exchange: Exchange, report: Report, ask: Callable[[str], str | None]
    ) -> None:
        self._settings, self._exchange, self._report, self._ask = settings, exchange, report, ask
        self._agent: Agent | None = None
        self._keys: list[Identity] | None = None

    @property
    def is_ready(self) -> bool:
        """Return whether the first key can sign at once, so that it need not be offered before."""
        first = next(iter(self._identities()), None)
        return first is not None and not self._must_offer(first)

    def attempt(self) -> Reply | None:
        """Try the next key. Return the answer of the host, or None if no key is left."""
        for each in self._identities():
            if not each.was_tried:
                each.was_tried = True
                reply = self._try(each)
                if reply is not None:
                    return reply
        return None

    def reset(self) -> None:
        """Start again with the first key, because the host has accepted one and wants another."""
        for each in self._identities():
            each.was_tried = False

    def close(self) -> None:
        """Close the connection to the agent."""
        if self._agent is not None:
            self._agent.close()

    def _identities(self) -> Sequence[Identity]:
        if self._keys is None:
            self._keys = self._found()
        return self._keys

    def _found(self) -> list[Identity]:
        settings = self._settings
        files = []
        for each in settings.identities:
            file = key_file(each.path)
            if each.is_named or file.problem != "missing" or file.public:
                files.append((each, file, certificate(f"{each.path}-cert.pub")))
        certificates = [(path, certificate(path)) for path in settings.certificates]
        for path, blob in certificates:
            if blob is None:
                self._report.key(short(path), "no certificate, or missing")
        found = identities(settings, files, certificates, self._agent_keys())
        self._report_skipped(files, found)
        if settings.key is not None:
            found.insert(0, _in_memory(settings.key))
        return found

    def _report_skipped(
        self, files: Sequence[tuple[IdentityFile, KeyFile, bytes | None]], found: Sequence[Identity]
    ) -> None:
        """Note the keys that the settings exclude."""
        tried = {id(each.file) for each in found}
        for each, file, _ in files:
            if id(file) not in tried:
                self._report.key(short(each.path), "excluded by PubkeyAcceptedAlgorithms or RequiredRSASize")

    def _agent_keys(self) -> "list[AgentKey]":
        path = self._settings.agent
        if path is None:
            return []
        from .agents import Agent

        try:
            self._agent = Agent(path)
            self._exchange.bind(self._agent)
            return self._agent.keys()
        except (OSError, KeyUnusable, ValueError) as error:
            log.debug("ssh-agent at %s: %s", path, error)
            return []

    def _try(self, each: Identity) -> Reply | None:
        """Try a key. Return None if it cannot be used."""
        signer = signer_of(each, self._identities())
        try:
            if each.public is None or not self._must_offer(each):
                self._unlock(signer)
            if each.public is None:
                assert signer.file is not None
                each.public = signer.file.own_public()
            return self._with_algorithm(each, signer)
        except KeyUnusable as error:
            self._report.key(each.label, str(error), each.is_in_agent)
        except (ValueError, TypeError) as error:
            self._report.key(each.label, f"could not sign: {error}", each.is_in_agent)
        return None

    def _with_algorithm(self, each: Identity, signer: Identity) -> Reply | None:
        assert each.public is not None
        server = self._exchange.server_algorithms()
        algorithm = keys.algorithm_for(each.public, self._settings.algorithms, server)
        if algorithm is None:
            self._report.key(each.label, NO_ALGORITHM, each.is_in_agent)
            return None
        public, exchange = each.public, self._exchange
        if self._must_offer(each):
            reply = self._noted(each, lambda: exchange.query(algorithm, public))
            if not reply.is_question:
                return reply
            self._unlock(signer)
        return self._noted(each, lambda: exchange.publickey(algorithm, public, self._sign_with(signer)))

    def _noted(self, each: Identity, request: Callable[[], Reply]) -> Reply:
        """Send a request with a key, and report the key if the host refuses it, or has enough of keys."""
        try:
            reply = request()
        except Disconnected:
            self._report.key(each.label, is_in_agent=each.is_in_agent)
            raise
        if not (reply.is_success or reply.is_question):
            note = ACCEPTED if reply.is_partial else REFUSED
            self._report.key(each.label, note, each.is_in_agent)
        return reply

    def _must_offer(self, each: Identity) -> bool:
        """Return whether to ask the host first, because a signature may need a person, or much time."""
        signer = signer_of(each, self._identities())
        if each.public is None or signer.own_sign is not None:
            return False
        return signer.is_in_agent or (
            signer.file is not None and signer.file.is_encrypted and not signer.file.is_unlocked
        )

    def _sign_with(self, signer: Identity) -> Callable[[bytes, str], bytes]:
        if signer.own_sign is not None:
            return signer.own_sign
        if signer.is_in_agent:
            agent, public = self._agent, signer.public
            assert agent is not None and public is not None
            return lambda data, algorithm: agent.sign(public, data, algorithm)
        assert signer.file is not None
        return signer.file.sign

    def _unlock(self, signer: Identity) -> None:
        """Read the private key, with a passphrase if it has one. Raise KeyFileError if that fails.

        Other logins wait meanwhile, so that a passphrase is asked for once.
        """
        file = signer.file
        if signer.is_in_agent or signer.own_sign is not None:
            return
        if file is None:
            raise KeyFileError("certificate without a private key")
        began = time.monotonic()
        with file.lock:
            try:
                file.unlock(self._settings.passphrase)
            except PassphraseNeeded:
                if self._settings.passphrase or not self._ask_for(file):
                    raise
        if not self._exchange.is_alive() and time.monotonic() - began > LONG_WAIT:
            raise Expired(TIRED)
        if signer.public is not None and keys.plain(signer.public) != file.own_public():
            raise KeyFileError("does not belong to its .pub file")

    def _ask_for(self, file: KeyFile) -> bool:
        """Ask for the passphrase of a key until it fits; return whether it does."""
        if file.is_declined:
            return False
        from . import prompts

        with prompts.turn():
            for number in range(1, self._settings.prompts + 1):
                again = f" (try {number} of {self._settings.prompts})" if number > 1 else ""
                typed = self._ask(f"passphrase of key '{short(file.path)}'{again}: ")
                if typed is None:
                    return False
                if not typed:
                    break
                try:
                    file.unlock(typed)
                    return True
                except PassphraseNeeded:
                    continue
        file.is_declined = True
        return False


def _in_memory(key: paramiko.PKey) -> Identity:
    """Return the key that the caller has loaded with paramiko, which may have a certificate."""
    cert = key.public_blob
    blob = key.asbytes() if cert is None else cert.key_blob

    def sign(data: bytes, algorithm: str) -> bytes:
        try:
            signature = key.sign_ssh_data(data, algorithm)
        except paramiko.SSHException as error:
            raise KeyFileError(f"could not sign: {error}") from error
        return signature.asbytes() if isinstance(signature, paramiko.Message) else signature

    return Identity("the given key", blob, own_sign=sign)
