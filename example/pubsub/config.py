"""Run a small publish/subscribe system: a broker, a subscriber, a publisher and a monitor on every host.

    fab run --config example/pubsub/config.py
    fab run --config example/pubsub/config.py --arg-parser example/pubsub/args.py \\
        --extra-args "--hosts node1,node2,node3,node4 --faults"

Each start index begins when all components before it are ready. With --faults, one subscriber is slow, one publisher
crashes, and one monitor never becomes ready. `fab status`, `fab logs`, `fab wait` and `fab report` show these faults.
"""

hosts = extra_options.hosts if extra_options else [localhost]
messages = str(extra_options.messages if extra_options else 20)
first_port = extra_options.port if extra_options else 47100
has_faults = extra_options.faults if extra_options else False


def add(name, host, start_index, *args, **more):
    is_here = host == localhost  # programs run in place, without a copy
    config.add_component(
        Component(
            name=f"{name}-{host}",
            host=host,
            executable=f"programs/{name}.py",
            args=[str(arg) for arg in args],
            files={} if is_here else {"programs": "programs"},
            base_dir=None if is_here else "~/pubsub",
            start_index=start_index,
            **more,
        )
    )


for number, host in enumerate(hosts):
    port = first_port + number  # different ports, because all hosts may be the same machine
    is_last = number == len(hosts) - 1
    add("prepare", host, 0, ready=util.ended(timeout=30))
    add("broker", host, 1, port, ready=util.port(port, timeout=10))
    slow = 3 if has_faults and number == 0 else 0
    add("subscriber", host, 2, port, messages, slow, ready=util.log("^subscribed"), results=["received.csv"])
    crashes = ["crash"] if has_faults and number == 1 else []
    add("publisher", host, 3, port, messages, *crashes, wait=True)
    watched = 1 if has_faults and is_last else port  # nothing listens on port 1
    add("monitor", host, 4, watched, ready=util.log("healthy", timeout=3))
