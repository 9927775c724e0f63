"""Parse --extra-args into `extra_options`."""

import argparse
import shlex


def parse_args(extra_args, ssh_user):
    parser = argparse.ArgumentParser("--extra-args")
    parser.add_argument("--hosts", default="localhost", help="host names, separated by commas (default: localhost)")
    parser.add_argument("--messages", type=int, default=20, help="messages per publisher, ten per second (default: 20)")
    parser.add_argument(
        "--port", type=int, default=47100, help="port of the first broker; others count up (default: 47100)"
    )
    parser.add_argument(
        "--faults", action="store_true", help="make one subscriber slow, one publisher crash, one monitor fail"
    )
    extra_options = parser.parse_args(shlex.split(extra_args))
    extra_options.hosts = extra_options.hosts.split(",")
    return extra_options
