"""Define the options of the muddler ta3, as an arg parser.

Copy this file to add options for your config and for other muddlers.

    fab run -c cfg.py --muddler ta3 --arg-parser muddlers/ta3_args.py --extra-args "--clients 12 --host-info hosts.txt"
"""

import argparse
import shlex


def add_arguments(parser):
    add = parser.add_argument
    add("--clients", type=int, metavar="N", help="number of clients (required if there is a client)")
    hosts = "file with one line per host, HOST CORES MODEL HYPERTHREADED (y or n); required if there is a client"
    add("--host-info", metavar="FILE", help=hosts)
    add("--client-model", default="*", metavar="MODEL", help="run clients only on hosts of this model")
    add("--script", metavar="FILE", help="test script (default: start all programs and wait for the clients)")
    add("--pin", action="store_true", help="pin each program to num_cores cores by taskset")
    pairs = "processors of core N on a hyperthreaded host with C cores: 2N and 2N+1 (adjacent) or N and N+C (apart)"
    pairs += "; see lscpu -e (default: adjacent)"
    add("--pairs", choices=("adjacent", "apart"), default="adjacent", help=pairs)
    add("--master-address", metavar="HOST", help="address of the master for slaves (default: the name of its host)")
    add("--port", type=int, default=47321, metavar="N", help="TCP port of the master (default: 47321)")
    add("--timeout", type=float, default=60, metavar="SECONDS", help="limit for harnesses to connect (default: 60)")
    add("--debug", action="store_true", help="also log the input of programs, as NAME.in")
    add("--harness", metavar="FILE", help="another harness for publishers, if there is no client")
    add("--harness-logs", metavar="FOLDER", help="remote folder for logs (default: logs in base_dir)")


def parse_args(extra_args, ssh_user):
    parser = argparse.ArgumentParser("--extra-args", description="Options of a TA3 test.")
    add_arguments(parser)
    parser.add_argument("--only", metavar="PATTERNS", help="components that take part; patterns as for --limit")
    return parser.parse_args(shlex.split(extra_args))
