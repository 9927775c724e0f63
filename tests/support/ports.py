"""Find free ports on loopback."""

import random
import socket


def free_ports(count: int) -> int:
    """Return the first of `count` consecutive free ports."""
    while True:
        first = random.randrange(20000, 30000)  # below the ephemeral ports of Linux
        with_all = [socket.socket() for _ in range(count)]
        try:
            for number, each in enumerate(with_all):
                each.bind(("127.0.0.1", first + number))
            return first
        except OSError:
            continue
        finally:
            for each in with_all:
                each.close()


def free_port(address: str) -> int:
    """Return a port on which nothing listens at the moment."""
    family, _, _, _, where = socket.getaddrinfo(address, 0, 0, socket.SOCK_STREAM)[0]
    with socket.socket(family) as listener:
        listener.bind(where)
        return int(listener.getsockname()[1])
