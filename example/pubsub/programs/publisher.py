#!/usr/bin/env python3
"""publisher.py PORT COUNT [crash]: publish COUNT messages, ten per second. With `crash`, fail in the middle."""

import socket
import sys
import time

port, count = map(int, sys.argv[1:3])
with socket.create_connection(("127.0.0.1", port)) as broker:
    for number in range(1, count + 1):
        if "crash" in sys.argv and number > count // 2:
            sys.exit("publisher: out of paper")
        broker.sendall(f"message {number}\n".encode())
        print(f"published {number} of {count}", flush=True)
        time.sleep(0.1)  # ten messages per second
