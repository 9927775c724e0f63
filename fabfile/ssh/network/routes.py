"""A connection that reaches its host as ssh does: by all its addresses, through jumps, or through a ProxyCommand.

`addresses` and `proxies` do the work. `host_group` creates the connections.
"""

from typing import Any

import paramiko
from fabric import Config, Connection

from rr_config.hosts.names import parsed_or_raise

from ...util.limits import CONNECT_SECONDS
from ..config.tokens import expand
from ..host_keys import HostKeyError
from .addresses import choice_of, connect
from .errors import ProxyFailed

NONE = "none"


def own_kwargs(settings: Config) -> dict[str, Any]:
    """Return a copy of `connect_kwargs` for one connection, because Fabric adds the IdentityFile of the host to it."""
    return {key: value for key, value in settings.connect_kwargs.items() if key != "key_filename"}


class Route(Connection):  # type: ignore[misc]  # Fabric has no types
    """A Fabric connection with the spellings of hosts, and the ways to them, that ssh knows.

    `gateway` is the last jump, or the text of a ProxyCommand, or None.
    """

    gateway: "Route | str | None"
    # Fabric writes an attribute that its class does not declare into the settings, which all connections share.
    __setattr__ = object.__setattr__

    def __init__(self, host: str, config: Config, **kwargs: Any) -> None:
        super().__init__(host, config=config, **kwargs)
        self._choice = choice_of(self.ssh_config)

    def derive_shorthand(self, host_string: str) -> dict[str, str | int | None]:
        """Return user, host and port of a spelled host. Fabric accepts no port behind an IPv6 address, and no URI."""
        name = parsed_or_raise(host_string)
        return {"user": name.user, "host": name.host, "port": name.port}

    def get_gateway(self) -> "Route | str | None":
        """Return the way of the ssh config: ProxyJump or ProxyCommand, of which the first one counts; `none` is none.

        Fabric connects several jumps in the wrong order, and knows neither `none` nor URIs.
        """
        for keyword, value in self.ssh_config.items():
            way = str(value or NONE)  # paramiko has replaced `none` in a ProxyCommand by None
            if keyword == "proxycommand":
                return None if way == NONE else way
            if keyword == "proxyjump" and way.lower() != NONE:  # as in ssh, a ProxyCommand may follow `none`
                return self._jumps(way)
        return self.config.gateway  # type: ignore[no-any-return]

    def _jumps(self, value: str) -> "Route | None":
        """Return the last of the jumps. Each is reached through the previous one, and the first one in its own way."""
        gateway: Route | None = None
        first, *others = map(str.strip, value.split(","))
        for jump in others if others and first.lower() == NONE else [first, *others]:
            try:
                if self._is_itself(jump):
                    return gateway  # `Host *` with a ProxyJump applies to the jump itself, too
                kwargs = own_kwargs(self.config)
                gateway = Route(jump, config=self.config, gateway=gateway, connect_kwargs=kwargs)
            except ValueError as error:
                raise ValueError(f"ProxyJump {value!r} in the ssh config: {error}") from error
        return gateway

    def _is_itself(self, jump: str) -> bool:
        """Return whether a jump has the name and the port of this host."""
        name = parsed_or_raise(jump)
        if name.host not in (self.host, self.original_host):
            return False
        settings = self.config.base_ssh_config.lookup(name.host)
        return bool(self.port == (name.port or int(settings.get("port", self.config.port))))

    def open(self) -> None:
        """Open the connection. Raise ProxyFailed with the reason of a ProxyCommand that failed."""
        if self.is_connected:
            return
        if isinstance(self.gateway, Connection):
            super().open()
        else:
            # Fabric lets paramiko connect the socket if there is no gateway, and it knows only its own ProxyCommand.
            way, self.gateway = self.gateway, None
            try:
                self._open_by(way)
            finally:
                self.gateway = way
                self.connect_kwargs.pop("sock", None)
        if self.transport.are_passwords_refused:
            self.forward_agent = False  # as in ssh, an impostor gets no access to the agent

    def _open_by(self, command: str | None) -> None:
        if command is None:
            seconds = self.connect_kwargs.get("timeout") or CONNECT_SECONDS
            self.connect_kwargs["sock"] = connect(self.host, self.port, self._choice, seconds)
            super().open()
            return
        if self.ssh_config.get("proxyusefdpass", "no") == "yes":
            raise ProxyFailed("ProxyUseFdpass yes in the ssh config is not supported; use --transport openssh")
        from .proxies import ProxyCommand

        proxy = ProxyCommand(expand(command, "ProxyCommand", self))
        self.connect_kwargs["sock"] = proxy
        try:
            super().open()
        except HostKeyError:
            raise
        except (OSError, EOFError, paramiko.SSHException) as error:
            transport = self.client.get_transport()
            if transport is not None and transport.initial_kex_done:  # the command did its work
                raise
            proxy.close()
            if proxy.problem():
                raise ProxyFailed(proxy.problem(), proxy.is_dropped) from error
            raise
