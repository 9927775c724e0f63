#!/usr/bin/env python3
"""monitor.py PORT: check every second whether the broker accepts connections."""

import socket
import sys
import time

while True:
    try:
        socket.create_connection(("127.0.0.1", int(sys.argv[1]))).close()
        print("broker is healthy", flush=True)
    except OSError as error:
        print(f"broker does not answer: {error}", flush=True)
    time.sleep(1)
