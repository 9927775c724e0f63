"""Define texts of config files for real hosts. Tests append calls of `add` to those that define it."""

ONE_PROGRAM = """
config.add_component(Component(name="one", host="node1", start_index=1, executable="one.sh", files={"one.sh": "one.sh"}))
"""
WAITED = """
def add(name, host, script, **more):
    config.add_component(
        Component(name=name, host=host, executable="/bin/sh", args=["-c", script], **({"start_index": 1} | more)))
UNTIL_GO = "until [ -e ~/go ]; do sleep 0.05; done; exit "
"""
TWO_WAITED = WAITED + "add('a', 'node1', 'exec sleep 1000')\nadd('b', 'node2', 'exec sleep 1000')\n"
LOGGED = """
def add(name, host, script, **more):
    config.add_component(
        Component(name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=1, **more))
"""
IN_WORK = """
def add(name, host, script="exec sleep 1000", **more):
    config.add_component(Component(name=name, host=host, executable="/bin/sh", args=["-c", script], start_index=1,
        **({"base_dir": "~/work"} | more)))
"""
WEB = """
config.add_component(Component(
    name="web", executable="/bin/sh", args=["-c", "sleep 1000"], host="node1", start_index=1, base_dir="~/work",
))
"""
CLIENT_AND_SERVER = """
for name, host, index in (("server", {server!r}, 2), ("client", {client!r}, 3)):
    config.add_component(Component(
        name=name, host=host, executable=f"{{name}}.py", start_index=index, base_dir={base_dir!r},
        args=[{port}, "a b" if name == "server" else {broken!r}, util.literal("$HOME")],
        files={{}} if host == localhost else {{f"{{name}}.py": f"{{name}}.py"}},
    ))
config.add_component(Component(name="third-party", host={server!r}, executable="/bin/true", start_index=1))
"""
HOST_ADDRESSES = "host,ip\nnode2,127.0.0.1\nlocalhost,127.0.0.1\n"
HOST_INFO = "node1 8 R210 n\nnode2 8 R210 n\n# spare\n\nnode3 8 R620 y\nnode4 8 R210 n\n"
PUBLISHERS = """
def add(name, host, **more):
    config.add_component(Component(name=name, host=host, executable="x", base_dir="/b", start_index=1, **more))

add("third-party-a", "node2", num_cores=2)
add("server", "node1", num_cores=3)
add("client", "TBD", args=["%n", "a b", util.literal("$x"), "$y"], num_cores=2)
"""
