"""Define the options of the muddler ta3, as an arg parser.

Copy this file to add options for your config and for other muddlers.

    fab run -c cfg.py --muddler ta3 --arg-parser muddlers/ta3_args.py --extra-args "--clients 12 --host-info hosts.txt"
"""

import argparse
import shlex


def add_arguments(parser):
    parser.add_argument("--clients", type=int, metavar="N", help="number of clients (required if there is a client)")
    parser.add_argument(
        "--host-info",
        metavar="FILE",
        help="file with one line per host, HOST CORES MODEL HYPERTHREADED (y or n); required if there is a client",
    )
    parser.add_argument("--client-model", default="*", metavar="MODEL", help="run clients only on hosts of this model")
    parser.add_argument(
        "--script", metavar="FILE", help="test script (default: start all programs and wait for the clients)"
    )
    parser.add_argument("--pin", action="store_true", help="pin each program to num_cores cores by taskset")
    parser.add_argument(
        "--pairs",
        choices=("adjacent", "apart"),
        default="adjacent",
        help="processors of core N on a hyperthreaded host with C cores: 2N and 2N+1 (adjacent) or N and N+C (apart);"
        " see lscpu -e (default: adjacent)",
    )
    parser.add_argument(
        "--master-address", metavar="HOST", help="address of the master for slaves (default: the name of its host)"
    )
    parser.add_argument("--port", type=int, default=47321, metavar="N", help="TCP port of the master (default: 47321)")
    parser.add_argument(
        "--timeout", type=float, default=60, metavar="SECONDS", help="limit for harnesses to connect (default: 60)"
    )
    parser.add_argument("--debug", action="store_true", help="also log the input of programs, as NAME.in")
    parser.add_argument("--harness", metavar="FILE", help="another harness for publishers, if there is no client")
    parser.add_argument("--harness-logs", metavar="FOLDER", help="remote folder for logs (default: logs in base_dir)")


def parse_args(extra_args, ssh_user):
    parser = argparse.ArgumentParser("--extra-args", description="Options of a TA3 test.")
    add_arguments(parser)
    parser.add_argument("--only", metavar="PATTERNS", help="components that take part; patterns as for --limit")
    return parser.parse_args(shlex.split(extra_args))
