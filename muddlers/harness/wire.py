"""What master and slave say to each other over TCP: JSON objects, a line each."""

import asyncio
import json

LONGEST = 1 << 24


def connect(host, port):
    """A connection to the master, as a reader and a writer."""
    return asyncio.open_connection(host, port, limit=LONGEST)


def listen(called, port):
    """Call `called` with a reader and a writer for each slave that connects to any address of this host."""
    return asyncio.start_server(called, None, port, limit=LONGEST)


async def send(writer, **said):
    """Say something; OSError where nobody hears it any more."""
    writer.write(json.dumps(said).encode() + b"\n")
    await writer.drain()


async def receive(reader):
    """What the other says next; None where it has hung up, or says what is nonsense."""
    try:
        line = await reader.readline()
        said = json.loads(line.decode()) if line else None
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) else None
