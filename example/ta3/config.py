"""Test a publish/subscribe system under harnesses: a broker, a publisher and several clients.

    fab run --config example/ta3/config.py --collect \\
        --muddler "ta3 --clients 12 --host-info hosts.txt --script test.txt"

The programs are those of ../pubsub. As written, everything runs on localhost, because hosts.txt lists only that host.
Without the muddler, there is one client and no test.
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
add("client", 2, "subscriber", messages, "0")  # the muddler assigns hosts from hosts.txt
add("publisher", 3, "publisher", messages)
