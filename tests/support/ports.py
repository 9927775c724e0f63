"""Free ports on loopback."""

import random
import socket


def free_ports(count: int) -> int:
    """The first of so many ports in a row that are free."""
    while True:
        first = random.randrange(20000, 30000)  # below those that Linux gives out by itself
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
    """A port on which nothing listens at the moment."""
    with socket.socket() as listener:
        listener.bind((address, 0))
        return int(listener.getsockname()[1])
