"""The parameters of the muddler ta3, for --arg-parser; what else the config and other muddlers want can be added here.

fab run -c cfg.py --muddler ta3 --arg-parser muddlers/ta3_args.py --extra-args "--clients 12 --host-info hosts.txt"
"""

import argparse
import shlex


def add_arguments(parser):
    parser.add_argument("--clients", type=int, metavar="N", help="how many clients; must be said where there is one")
    parser.add_argument(
        "--host-info",
        metavar="FILE",
        help="a line a host: its name, how many cores, its model, and y or n for hyperthreaded; must be said likewise",
    )
    parser.add_argument("--client-model", default="*", metavar="MODEL", help="clients run on hosts of that model alone")
    parser.add_argument(
        "--script", metavar="FILE", help="the test script; if not said, one that starts all, and ends with the clients"
    )
    parser.add_argument("--pin", action="store_true", help="pin each program to num_cores cores of its own, by taskset")
    parser.add_argument(
        "--pairs",
        choices=("adjacent", "apart"),
        default="adjacent",
        help="a hyperthreaded core N of C is processors 2N and 2N+1 (adjacent, if not said), or N and N+C (apart)",
    )
    parser.add_argument(
        "--master-address", metavar="HOST", help="where slaves reach the master; the name of its host, if not said"
    )
    parser.add_argument("--port", type=int, default=47321, metavar="N", help="on which the master listens; 47321")
    parser.add_argument(
        "--timeout", type=float, default=60, metavar="SECONDS", help="for the harnesses to find each other; 60"
    )
    parser.add_argument("--debug", action="store_true", help="keep what programs are sent, too, as NAME.in in the logs")
    parser.add_argument("--harness", metavar="FILE", help="another harness for publishers, where there is no client")
    parser.add_argument("--harness-logs", metavar="FOLDER", help="the remote folder for logs; logs, in base_dir")


def parse_args(extra_args, ssh_user):
    parser = argparse.ArgumentParser("--extra-args", description="The parameters of a TA3 test.")
    add_arguments(parser)
    parser.add_argument("--only", metavar="PATTERNS", help="which components take part, as for --limit")
    return parser.parse_args(shlex.split(extra_args))
