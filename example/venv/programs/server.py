#!/usr/bin/env python3
"""server.py ADDRESS PORT: answer each message with the same text in capitals."""

import sys

from websockets.sync.server import serve


def answer(client):
    for message in client:
        client.send(message.upper())
    print("a client has left", flush=True)


address, port = sys.argv[1:]
with serve(answer, address, int(port)) as server:
    print(f"listening on {address}:{port}", flush=True)
    server.serve_forever()
