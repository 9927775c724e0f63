"""A publish/subscribe test under harnesses, of the programs of ../pubsub: a broker, a publisher, and as many clients as
the muddler is told to make.

    fab run --config example/ta3/config.py --collect \\
        --muddler "ta3 --clients 12 --host-info hosts.txt --script test.txt"

As it stands, all runs on localhost: hosts.txt says so. Without the muddler, there is one client, and no test.
"""

port = 47200


def add(name, start_index, program, *args, **more):
    config.add_component(
        Component(
            name=name,
            host=localhost,
            executable=f"../pubsub/programs/{program}.py",
            args=[str(port), *args],
            start_index=start_index,
            **more,
        )
    )


messages = "5"
add("third-party-broker", 1, "broker", ready=util.port(port))
add("client", 2, "subscriber", messages, "0")  # its host will be one of hosts.txt
add("publisher", 3, "publisher", messages)
