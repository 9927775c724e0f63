#!/usr/bin/env python3
"""client.py PORT [HOST]: send each line of stdin to the server, and print its answer."""

import socket
import sys

host = sys.argv[2] if len(sys.argv) > 2 else "localhost"
with socket.create_connection((host, int(sys.argv[1]))) as server:
    answers = server.makefile("r")
    print("connected", flush=True)
    for line in sys.stdin:
        server.sendall(line.encode())
        print(f"{line.strip()}: {answers.readline().strip()}", flush=True)
