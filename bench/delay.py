"""Delay TCP connections in each direction: `python -m bench.delay SECONDS LISTEN=TARGET...`.

LISTEN and TARGET are ADDRESS:PORT. The program forwards all data in order, SECONDS later, without limiting the
bandwidth. It prints `ready` when it listens on all addresses, and runs until it is killed.
"""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from functools import partial

CHUNK = 1 << 18
# Chunks in flight per direction: enough for 2 GB/s at 25 ms.
IN_FLIGHT = 200

Due = tuple[float, bytes]


async def take(reader: asyncio.StreamReader, line: "asyncio.Queue[Due]", delay: float) -> None:
    """Put the data of `reader` in the queue, with the time at which it is due at the other end."""
    now = asyncio.get_running_loop().time
    data = b"-"
    while data:
        try:
            data = await reader.read(CHUNK)
        except OSError:
            data = b""
        await line.put((now() + delay, data))


async def give(line: "asyncio.Queue[Due]", writer: asyncio.StreamWriter) -> None:
    """Write the data of the queue to `writer` when it is due."""
    now = asyncio.get_running_loop().time
    while True:
        due, data = await line.get()
        await asyncio.sleep(due - now())
        if not data:
            writer.close()
            return
        try:
            writer.write(data)
            await writer.drain()
        except OSError:
            return


def set_up(writer: asyncio.StreamWriter) -> None:
    """Disable Nagle's algorithm, which would delay small packets."""
    writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


async def serve(
    delay: float, target: tuple[str, int], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Forward one client's connection until both directions have ended."""
    there, back = await asyncio.open_connection(*target, limit=CHUNK)
    set_up(writer)
    set_up(back)
    tasks = []
    for source, sink in ((reader, back), (there, writer)):
        line: asyncio.Queue[Due] = asyncio.Queue(IN_FLIGHT)
        tasks += [take(source, line, delay), give(line, sink)]
    await asyncio.gather(*tasks)


def address(text: str) -> tuple[str, int]:
    """Split `ADDRESS:PORT`."""
    host, _, port = text.rpartition(":")
    return host, int(port)


async def main(delay: float, pairs: list[str]) -> None:
    """Listen for every pair until the process is killed."""
    handler: Callable[..., Awaitable[None]] = serve
    for pair in pairs:
        listen, target = pair.split("=")
        await asyncio.start_server(partial(handler, delay, address(target)), *address(listen), limit=CHUNK)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), sys.argv[2:]))
