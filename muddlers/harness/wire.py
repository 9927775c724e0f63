"""Exchange messages between master and slave over TCP: JSON objects, one per line.

Both sides send a heartbeat every BEAT_SECONDS. A peer that is silent for MOST_SILENT_SECONDS counts as lost.
"""

import asyncio
import json

LONGEST = 1 << 24
BEAT_SECONDS = 5
MOST_SILENT_SECONDS = 20


def connect(host, port):
    """Connect to the master. Return a reader and a writer."""
    return asyncio.open_connection(host, port, limit=LONGEST)


def listen(called, port):
    """Listen on all addresses of this host. Call `called` with a reader and a writer for each connection."""
    return asyncio.start_server(called, None, port, limit=LONGEST)


async def send(writer, **said):
    """Send a message. A closed connection is ignored here; the reader notices it."""
    try:
        writer.write(json.dumps(said).encode() + b"\n")
        await writer.drain()
    except OSError:
        writer.close()


async def beat(writer):
    """Send heartbeats until the connection is closed."""
    while not writer.is_closing():
        await send(writer, beat=True)
        await asyncio.sleep(BEAT_SECONDS)


async def receive(reader):
    """Return the next message, or None if the peer closed the connection, is silent or sent an invalid one."""
    try:
        while True:
            line = await asyncio.wait_for(reader.readline(), MOST_SILENT_SECONDS)
            said = json.loads(line.decode()) if line else None
            if not isinstance(said, dict):
                return None
            if "beat" not in said:
                return said
    except (OSError, ValueError, RecursionError, asyncio.TimeoutError):
        return None
