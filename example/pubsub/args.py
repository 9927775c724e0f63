"""Makes `extra_options` of --extra-args."""

import argparse
import shlex


def parse_args(extra_args, ssh_user):
    parser = argparse.ArgumentParser("--extra-args of the publish/subscribe example")
    parser.add_argument("--hosts", default="localhost", help="host names, with commas between them")
    parser.add_argument("--messages", type=int, default=20, help="how many each publisher sends, ten a second")
    parser.add_argument("--port", type=int, default=47100, help="where the first broker listens; the next one above")
    parser.add_argument("--faults", action="store_true", help="one is slow, one crashes, one never gets ready")
    extra_options = parser.parse_args(shlex.split(extra_args))
    extra_options.hosts = extra_options.hosts.split(",")
    return extra_options
