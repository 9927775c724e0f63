"""What master and slave say to each other over TCP: JSON objects, a line each. Who says nothing for long is gone."""

import asyncio
import json

LONGEST = 1 << 24
BEAT_SECONDS = 5
MOST_SILENT_SECONDS = 20


def connect(host, port):
    """A connection to the master, as a reader and a writer."""
    return asyncio.open_connection(host, port, limit=LONGEST)


def listen(called, port):
    """Call `called` with a reader and a writer for each slave that connects to any address of this host."""
    return asyncio.start_server(called, None, port, limit=LONGEST)


async def send(writer, **said):
    """Say something. That nobody hears it any more, is noticed where an answer is awaited."""
    try:
        writer.write(json.dumps(said).encode() + b"\n")
        await writer.drain()
    except OSError:
        writer.close()


async def beat(writer):
    """Say every now and then that one is there."""
    while not writer.is_closing():
        await send(writer, beat=True)
        await asyncio.sleep(BEAT_SECONDS)


async def receive(reader):
    """What the other says next; None where it has hung up, says nothing any more, or says what is nonsense."""
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
