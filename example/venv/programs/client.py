#!/usr/bin/env python3
"""client.py ADDRESS PORT COUNT: send COUNT messages to the server, two per second, and print its answers."""

import sys
import time

from websockets.sync.client import connect

address, port, count = sys.argv[1:]
with connect(f"ws://{address}:{port}", proxy=None) as server:
    for number in range(1, int(count) + 1):
        sent = time.monotonic()
        server.send(f"message {number} of {count}")
        answer = server.recv()
        print(f"{answer} after {1000 * (time.monotonic() - sent):.1f} ms", flush=True)
        time.sleep(0.5)
