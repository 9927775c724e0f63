#!/usr/bin/env python3
"""server.py PORT: store and return values. Requests are the lines `put KEY VALUE` and `get KEY`."""

import socketserver
import sys

values = {}


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            verb, key, *value = line.decode().split(maxsplit=2)
            if verb == "put":
                values[key] = " ".join(value).strip()
            self.wfile.write(f"{values.get(key, 'nothing')}\n".encode())


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Server(("", int(sys.argv[1])), Client) as server:
    print("listening", flush=True)
    server.serve_forever()
