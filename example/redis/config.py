"""Measure a Redis primary with two replicas by redis-benchmark, and collect its CSV.

    fab run --config example/redis/config.py --collect
    fab run --config example/redis/config.py --collect --set clients=100 --set requests=1000000 \\
        --set hosts=node1,node2,node3 --set addresses=10.0.0.1,10.0.0.2,10.0.0.3

The primary starts first, then the replicas, then the benchmark on the last host. A replica is ready when it has copied
the primary. `addresses` are those of `hosts`. The servers have no password, so use the addresses of a private network.
"""

params = util.params(hosts=localhost, addresses="127.0.0.1", port=6390, replicas=2, clients=20, requests=100000)
hosts, addresses = params.hosts.split(","), params.addresses.split(",")
places = list(zip(hosts, addresses, strict=True))
primary = addresses[0]

for number in range(1 + params.replicas):
    host, address = places[number % len(places)]
    port = params.port + number  # different ports, because all hosts may be the same machine
    server = Component(host=host, executable="/usr/bin/env", needs=["redis-server", "redis-cli"])
    server.args = ["redis-server", "--bind", address, "--port", port, "--protected-mode", "no"]
    server.args += ["--save", "", "--rdb-del-sync-files", "yes"]  # leaves no data on the disk
    server.args += ["--repl-diskless-sync-delay", "0"]  # sends a copy at once, without waiting for more replicas
    if number == 0:
        server.name, server.start_index, server.ready = "primary", 1, util.port(port)
    else:
        server.name, server.start_index = f"replica-{number}", 2
        server.args += ["--replicaof", primary, params.port]
        server.ready = util.command(f"redis-cli -h {address} -p {port} info replication | grep master_link_status:up")
    config.add_component(server)

measure = f"redis-benchmark -h {primary} -p {params.port} -c {params.clients} -n {params.requests} -t set,get --csv"
benchmark = Component(name="benchmark", host=hosts[-1], start_index=3, wait=True, needs=["redis-benchmark"])
benchmark.executable = "/bin/sh"
benchmark.args = ["-c", f"{measure} > results.csv && cat results.csv"]
benchmark.results = ["results.csv"]
config.add_component(benchmark)
