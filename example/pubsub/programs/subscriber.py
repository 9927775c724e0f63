#!/usr/bin/env python3
"""subscriber.py PORT COUNT SLOW: subscribe after SLOW seconds, and log the arrival times of COUNT messages."""

import socket
import sys
import time
from pathlib import Path

port, count, slow = map(int, sys.argv[1:])
time.sleep(slow)  # shows that the next start index waits for a slow component
with socket.create_connection(("127.0.0.1", port)) as broker, Path("received.csv").open("w") as received:
    lines = broker.makefile("r")
    broker.sendall(b"subscribe\n")
    lines.readline()  # the broker has confirmed the subscription
    print(f"subscribed to port {port}", flush=True)
    for _ in range(count):
        received.write(f"{time.time()},{lines.readline()}")
        received.flush()
print(f"received {count} messages")
