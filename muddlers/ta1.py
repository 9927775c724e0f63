"""Runs a client/server test, of a database say, under harnesses, by a test script that passes or fails.

    --muddler "ta1 --hosts-file hosts.csv --test-dir tests --test sample"

A config has a `client` and a `server`. The client runs under a master harness, which carries the script out and ends
with 0 when the test has passed; the server under a slave harness, which connects to it, at the address that the
hosts file has for the client's host. All other components, `third-party-...` say, run as they are. The same config
runs on localhost.
"""

import csv
from pathlib import Path

import _harness

from rr_config import ConfigError
from rr_config.limit import bare_host

COLUMNS = ("host", "ip")


def add_arguments(parser):
    parser.add_argument("--test", metavar="NAME", help="the test: its script is NAME.ts; must be said")
    parser.add_argument(
        "--test-dir",
        default="tests",
        metavar="FOLDER",
        help="where scripts are, and folders of queries; tests, if not said",
    )
    parser.add_argument(
        "--hosts-file", metavar="FILE", help="a CSV with columns host and ip; needed where client and server are apart"
    )
    parser.add_argument(
        "--port", type=int, default=47311, metavar="N", help="where the client's harness listens; 47311"
    )
    parser.add_argument(
        "--timeout", type=float, default=60, metavar="SECONDS", help="for the harnesses to find each other; 60"
    )
    parser.add_argument(
        "--results-dir",
        default="results",
        metavar="FOLDER",
        help="for logs, in a folder NAME there; results, in base_dir",
    )
    parser.add_argument("--debug", action="store_true", help="keep what programs are sent, too, in --debug-dir")
    parser.add_argument("--debug-dir", default="debug", metavar="FOLDER", help="likewise; debug, in base_dir")


def muddle(config):
    by_name = {}
    for component in util.chosen(config, extra_options.only):
        by_name.setdefault(component.name, []).append(component)
    pair = [by_name.get(name, []) for name in ("client", "server")]
    if any(len(own) != 1 for own in pair):
        raise ConfigError("--muddler ta1: a config has one component named client, and one named server; see --only")
    (client,), (server,) = pair
    if not extra_options.test:
        raise ConfigError("ta1 --test: is missing; name a test of --test-dir")
    master, slave = under("master", client), under("slave", server)
    master.wait = True
    master.args += ["--slaves", slave.name, "--script", own_script(master)]
    slave.args += ["--name", slave.name, "--master", address_of(client, server)]
    _harness.add_programs(master, [client])
    _harness.add_programs(slave, [server])
    components = config.all_components()
    config.clear_components()
    for component in components:
        config.add_component({id(client): master, id(server): slave}.get(id(component), component))


def under(kind, component):
    name = f"{component.name}-harness"
    logs = f"{extra_options.results_dir}/{extra_options.test}/{name}"
    harness = _harness.under(kind, name, [component], logs, options, extra_options.port, extra_options.timeout)
    if extra_options.debug:
        debug = f"{extra_options.debug_dir}/{extra_options.test}/{name}"
        harness.args += ["--debug", util.literal(debug)]
        harness.results.append(debug)
    return harness


def own_script(master):
    """Where the master finds its script, which is brought with the folders beside it."""
    folder = (Path.cwd() / Path(extra_options.test_dir).expanduser()).absolute()
    remote = f"{_harness.REMOTE_FOLDER}/{folder.name}"
    found = _harness.own_script(master, folder / f"{extra_options.test}.ts", ["client", "server"], remote)
    if not master.is_local:
        for below in sorted(folder.iterdir()):
            if below.is_dir():  # queries, and what else programs may want
                util.bring(master, below, f"{remote}/{below.name}")
    return found


def address_of(client, server):
    """The address at which `server` finds the client's host."""
    if client.host == server.host:
        return "localhost"
    path = extra_options.hosts_file
    if path is None:
        raise ConfigError("ta1 --hosts-file: is missing; at which address does the server find the client's host?")
    try:
        with Path(path).expanduser().open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except OSError as error:
        raise ConfigError(f"--hosts-file {path}: {error.strerror}") from error
    if rows and not set(COLUMNS) <= rows[0].keys():
        raise ConfigError(f"--hosts-file {path}: its first line is to name the columns: {','.join(COLUMNS)}")
    names = (client.host, bare_host(client.host))
    for row in rows:
        if row["host"] in names or row["ip"] in names:
            if not row["ip"]:
                raise ConfigError(f"--hosts-file {path}: {row['host']}: has no ip; add it to that line")
            return row["ip"]
    raise ConfigError(f"{client.label}.host: is not among the hosts of --hosts-file {path}; add a line")
