"""Run a client/server test under harnesses; a test script decides whether it passes.

    --muddler "ta1 --hosts-file hosts.csv --test-dir tests --test sample"

The config has one component `client` and one `server`. The client runs under a master harness, which executes the test
script and exits with 0 if the test passes. The server runs under a slave harness. The slave connects to the master, at
the address of the client's host in the hosts file. All other components, such as `third-party-...`, run unchanged. The
same config also runs on localhost.
"""

import csv
from pathlib import Path

import _harness

from rr_config import ConfigError
from rr_config.hosts.limit import bare_host

COLUMNS = ("host", "ip")


def add_arguments(parser):
    add = parser.add_argument
    add("--test", metavar="NAME", help="run the test script NAME.ts (required)")
    add("--test-dir", default="tests", metavar="FOLDER", help="folder of test scripts and queries (default: tests)")
    add("--hosts-file", metavar="FILE", help="CSV file with columns host,ip (required if the two hosts differ)")
    add("--port", type=int, default=47311, metavar="N", help="TCP port of the client's harness (default: 47311)")
    add("--timeout", type=float, default=60, metavar="SECONDS", help="limit for harnesses to connect (default: 60)")
    logs = "remote folder for logs (default: results in base_dir)"
    add("--results-dir", default="results", metavar="FOLDER", help=logs)
    add("--debug", action="store_true", help="also log the input of programs, in --debug-dir")
    inputs = "remote folder for --debug (default: debug in base_dir)"
    add("--debug-dir", default="debug", metavar="FOLDER", help=inputs)


def muddle(config):
    pair = [each for each in util.chosen(config, extra_options.only) if each.name in ("client", "server")]
    pair.sort(key=lambda each: each.name)
    if [each.name for each in pair] != ["client", "server"]:
        raise ConfigError("--muddler ta1: needs exactly one component `client` and one `server`; see --only")
    client, server = pair
    if not extra_options.test:
        raise ConfigError("ta1 --test: missing; must be the name of a test in --test-dir")
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
    """Return a harness that runs `component`, with its logs as results. `kind` is "master" or "slave"."""
    name = f"{component.name}-harness"
    logs = f"{extra_options.results_dir}/{extra_options.test}/{name}"
    harness = _harness.under(kind, name, [component], logs, options, extra_options.port, extra_options.timeout)
    if extra_options.debug:
        debug = f"{extra_options.debug_dir}/{extra_options.test}/{name}"
        harness.args += ["--debug", util.literal(debug)]
        harness.results.append(debug)
    return harness


def own_script(master):
    """Return the path at which the master finds its test script. Copy the folders beside the script, too."""
    folder = (Path.cwd() / Path(extra_options.test_dir).expanduser()).absolute()
    remote = f"{_harness.REMOTE_FOLDER}/{folder.name}"
    found = _harness.own_script(master, folder / f"{extra_options.test}.ts", ["client", "server"], remote)
    if not master.is_local:
        for below in sorted(folder.iterdir()):
            if below.is_dir():  # queries, and other files for programs
                util.bring(master, below, f"{remote}/{below.name}")
    return found


def address_of(client, server):
    """Return the address at which the server's host reaches the client's host.

    Raises ConfigError if the hosts differ and the hosts file has no address.
    """
    if client.host == server.host:
        return "localhost"
    path = extra_options.hosts_file
    if path is None:
        raise ConfigError("ta1 --hosts-file: missing; must have the address of the client's host for the server")
    try:
        with Path(path).expanduser().open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            rows = list(csv.DictReader(file, skipinitialspace=True))
    except OSError as error:
        raise ConfigError(f"--hosts-file {path}: {error.strerror}") from error
    if rows and not set(COLUMNS) <= rows[0].keys():
        raise ConfigError(f"--hosts-file {path}: missing columns; the first line must be {','.join(COLUMNS)}")
    names = (client.host, bare_host(client.host))
    for row in rows:
        if row["host"] in names or row["ip"] in names:
            if not row["ip"]:
                raise ConfigError(f"--hosts-file {path}: {row['host']}: missing ip; add it to the line")
            return row["ip"]
    raise ConfigError(f"{client.label}.host: missing in --hosts-file {path}; add a line")
