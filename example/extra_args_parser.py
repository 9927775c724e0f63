"""Makes `extra_options` of --extra-args: which hosts, and how far a worker counts."""

import argparse
import shlex


def parse_args(extra_args, ssh_user):
    parser = argparse.ArgumentParser("--extra-args of the example")
    parser.add_argument("--hosts", default="localhost", help="host names, with commas between them")
    parser.add_argument("--count", type=int, default=3, help="how far each worker counts, a second a step")
    extra_options = parser.parse_args(shlex.split(extra_args))
    extra_options.hosts = extra_options.hosts.split(",")
    return extra_options
