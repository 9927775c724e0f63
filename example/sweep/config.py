"""Measure a Redis server by redis-benchmark, for values of several sizes.

    fab sweep --config example/sweep/config.py --over size=16,1024,16384 --repeats 5
    fab sweep --config example/sweep/config.py --over size=16,1024,16384 --repeats 5 \\
        --set hosts=node1,node2,node3,node4 --set address=10.0.0.1

The server runs on the first host, and one benchmark on each of the others. `address` is that of the first host. The
server has no password, so use the address of a private network.
"""

params = util.params(hosts=localhost, address="127.0.0.1", port=6395, size=16, requests=20000)
first, *others = params.hosts.split(",")

server = Component(name="server", host=first, start_index=1, executable="/usr/bin/env", needs=["redis-server"])
server.args = ["redis-server", "--bind", params.address, "--port", params.port, "--protected-mode", "no"]
server.args += ["--save", ""]  # leaves no data on the disk
server.ready = util.port(params.port)
config.add_component(server)

command = f"redis-benchmark -h {params.address} -p {params.port} -t get -d {params.size} -n {params.requests} --csv"
for host in others or [first]:
    load = Component(name="load", host=host, start_index=2, wait=True, executable="/bin/sh", needs=["redis-benchmark"])
    load.args = ["-c", f"{command} > load.csv && cat load.csv"]
    load.measures = {
        "rate": util.measure(csv="load.csv", column="rps", unit="1/s"),
        "p99": util.measure(csv="load.csv", column="p99_latency_ms", unit="ms"),
    }
    config.add_component(load)
