"""Test a client and a server under harnesses: a small database, and a client that reads queries from stdin.

    fab run --config example/ta1/config.py --collect --muddler "ta1 --test sample"

As written, everything runs on localhost. On two hosts, the muddler also needs --hosts-file with the client's address.
"""

port = "47300"

for name, start_index in (("server", 1), ("client", 2)):
    config.add_component(
        Component(name=name, host=localhost, executable=f"{name}.py", args=[port], start_index=start_index)
    )
