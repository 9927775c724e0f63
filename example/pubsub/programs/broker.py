#!/usr/bin/env python3
"""broker.py PORT: forward each line that a client sends to all clients that have sent `subscribe`."""

import socketserver
import sys
import threading

subscribers = []
lock = threading.Lock()


class Client(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            with lock:
                if line == b"subscribe\n":
                    subscribers.append(self.wfile)
                    print(f"{len(subscribers)} subscribed", flush=True)
                for subscriber in subscribers:
                    subscriber.write(line)

    def finish(self):
        with lock:
            if self.wfile in subscribers:
                subscribers.remove(self.wfile)


class Broker(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


with Broker(("127.0.0.1", int(sys.argv[1])), Client) as broker:
    print(f"listening on port {sys.argv[1]}", flush=True)
    broker.serve_forever()
