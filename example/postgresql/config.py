"""Run a PostgreSQL primary with one replica, and check that the replica follows.

    fab run --config example/postgresql/config.py --collect
    fab restart --config example/postgresql/config.py --limit primary
    fab stop --config example/postgresql/config.py

`pg_ctl` starts a daemon and ends, so `daemon` says how to find the daemon. The databases stay on the hosts, in
~/remote-runner-postgresql. PostgreSQL refuses to run as root, so log in as another user. `addresses` are those of
`hosts`. The servers accept every login from their subnet, so use the addresses of a private network.
"""

params = util.params(hosts=localhost, addresses="127.0.0.1", port=5440, rows=1000)
hosts, addresses = params.hosts.split(","), params.addresses.split(",")
primary, replica = (addresses[0], params.port), (addresses[-1], params.port + 1)


def add(name, program, host, start_index, args, **more):
    is_here = host == localhost  # programs run in place, without a copy
    config.add_component(
        Component(
            name=name,
            host=host,
            executable=f"programs/{program}",
            args=args,
            files={} if is_here else {"programs": f"~/remote-runner-postgresql/{name}/programs"},
            base_dir=f"~/remote-runner-postgresql/{name}",
            start_index=start_index,
            needs=["psql", "pg_isready"],
            **more,
        )
    )


def add_server(name, host, start_index, own, *source):
    daemon = {"daemon": util.pidfile("data/postmaster.pid"), "results": ["log"]}
    daemon["stop_signal"] = "INT"  # a fast shutdown, which closes connections; TERM waits for clients
    daemon["ready"] = util.command("pg_isready -q -h {} -p {}".format(*own))
    add(name, "server.sh", host, start_index, [*own, *source], **daemon)


add_server("primary", hosts[0], 1, primary)
add_server("replica", hosts[-1], 2, replica, *primary)
check_args = [*primary, *replica, params.rows]
add("check", "check.sh", hosts[-1], 3, check_args, wait=True, results=["replication.csv"])
