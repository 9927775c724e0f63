#!/usr/bin/env python3
"""subscriber.py PORT COUNT SLOW: subscribes after SLOW seconds, and writes down when COUNT messages have come."""

import socket
import sys
import time
from pathlib import Path

port, count, slow = map(int, sys.argv[1:])
time.sleep(slow)  # to show what waits for one that is slow to get ready
with socket.create_connection(("127.0.0.1", port)) as broker, Path("received.csv").open("w") as received:
    lines = broker.makefile("r")
    broker.sendall(b"subscribe\n")
    lines.readline()  # it has been heard
    print(f"subscribed to port {port}", flush=True)
    for _ in range(count):
        received.write(f"{time.time()},{lines.readline()}")
        received.flush()
print(f"received {count} messages")
