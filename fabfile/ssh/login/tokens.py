"""A stand-in for the tokens of the ssh config."""

import os
import re

from fabric import Connection

TOKEN = re.compile(r"%(.)|\$\{(\w+)\}", re.DOTALL)


def expand(text: str, keyword: str, connection: Connection) -> str:
    """Return the value of a keyword with tokens and variables replaced. Raise ValueError for an unknown one."""
    home = os.path.expanduser("~")  # noqa: PTH111
    tokens = {"%": "%", "d": home, "h": connection.host, "n": connection.original_host, "p": str(connection.port)}
    tokens |= {"r": connection.user, "u": os.environ.get("USER", ""), "i": str(os.getuid())}

    def value(match: re.Match[str]) -> str:
        token, variable = match.groups()
        try:
            return tokens[token] if token else os.environ[variable]
        except KeyError as error:
            raise ValueError(f"{keyword} {text!r} in the ssh config: unknown token {match[0]}") from error

    return os.path.expanduser(TOKEN.sub(value, text))  # noqa: PTH111
