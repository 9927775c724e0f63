"""Run asyncssh for "first connect and one command": `python async_ssh.py USER KEY KNOWN_HOSTS ADDRESS:PORT...`."""

import asyncio
import sys

import asyncssh  # type: ignore[import-not-found]  # installed in .venv-bench

USER, KEY, KNOWN_HOSTS, *TARGETS = sys.argv[1:]


async def command(target: str) -> None:
    """Connect, and run one command."""
    address, _, port = target.rpartition(":")
    options = {"username": USER, "client_keys": [KEY], "known_hosts": KNOWN_HOSTS}
    async with asyncssh.connect(address, int(port), **options) as connection:
        await connection.run("true", check=True)


async def main() -> None:
    """Work on all hosts at once."""
    await asyncio.gather(*map(command, TARGETS))


asyncio.run(main())
