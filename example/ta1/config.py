"""A client/server test under harnesses: a small database, and a client that reads queries from its standard input.

    fab run --config example/ta1/config.py --collect --muddler "ta1 --test sample"

As it stands, all runs on localhost. On two hosts, the muddler wants a --hosts-file: at which address is the client?
"""

port = "47300"

for name, start_index in (("server", 1), ("client", 2)):
    config.add_component(
        Component(name=name, host=localhost, executable=f"{name}.py", args=[port], start_index=start_index)
    )
