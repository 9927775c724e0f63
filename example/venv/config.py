"""Run a server and clients in Python, with a virtual environment that is made on their hosts.

    fab run --config example/venv/config.py --follow
    fab run --config example/venv/config.py --follow --set messages=20 \\
        --set server=node1 --set address=10.0.0.1 --set clients=node2,node3

On each host, `prepare` first makes ~/remote-runner-venv/venv with the libraries of programs/requirements.txt. It stays
there, so the next run starts at once, unless requirements.txt has changed. `address` is that of the server.
"""

params = util.params(server=localhost, address="127.0.0.1", port=47400, clients=localhost, messages=5)
clients = params.clients.split(",")
env = {"PATH": "$HOME/remote-runner-venv/venv/bin:$PATH"}  # `python3` is that of the virtual environment


def add(program, host, start_index, *args, **more):
    is_here = host == localhost  # programs run in place, without a copy
    config.add_component(
        Component(
            name=f"{program.partition('.')[0]}-{host}",
            host=host,
            executable=f"programs/{program}",
            args=args,
            files={} if is_here else util.tree("programs", "programs", delete=True),
            base_dir="~/remote-runner-venv",  # all programs of a host share it, and it is kept
            start_index=start_index,
            **more,
        )
    )


for host in dict.fromkeys([params.server, *clients]):  # each host once
    add("prepare.sh", host, 0, needs=["python3"], ready=util.ended(timeout=300))
add("server.py", params.server, 1, params.address, params.port, env=env, ready=util.port(params.port))
for host in clients:
    add("client.py", host, 2, params.address, params.port, params.messages, env=env, wait=True)
