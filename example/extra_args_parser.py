"""Parse --extra-args into `extra_options`: the hosts, and how far a worker counts."""

import argparse
import shlex


def parse_args(extra_args, ssh_user):
    parser = argparse.ArgumentParser("--extra-args")
    parser.add_argument("--hosts", default="localhost", help="host names, separated by commas (default: localhost)")
    parser.add_argument("--count", type=int, default=3, help="how far each worker counts, one per second (default: 3)")
    extra_options = parser.parse_args(shlex.split(extra_args))
    extra_options.hosts = extra_options.hosts.split(",")
    return extra_options
