"""The config file that `init` writes: a commented example that runs on this machine as it stands."""

import shlex
from pathlib import Path

from .errors import ConfigError, named
from .files.paths import local_path
from .program import program

TEXT = """\
# A config of Remote Runner. It runs on this machine as it stands:
#
#     PROGRAM run --config FILE      start everything, and wait for the client
#     PROGRAM status --config FILE   show the state of each component
#     PROGRAM logs --config FILE     show the output
#     PROGRAM kill --config FILE     end everything
#
# This file is a Python program. It finds the names Component, config, util, options, extra_options and localhost.
# Relative local paths are relative to this file.

# A component is one program on one host. Its name must be unique on the host.
server = Component(name="server", host=localhost, start_index=1)
server.executable = "/bin/sh"  # an absolute path, or one relative to this file; not looked up in PATH
server.args = ["-c", "echo server is ready; exec sleep 1000"]  # $NAME here is a variable of env, or of the host
server.env = {"LEVEL": "3"}  # environment variables
server.base_dir = "."  # the program runs in the folder of this file; without it, in a folder of its own
server.ready = util.log("server is ready")  # or util.port(8080), util.command("test -e ready"), util.ended()
config.add_component(server)

# A higher start_index starts when all components with a lower one are ready.
client = Component(name="client", host=localhost, start_index=2)
client.executable = "/bin/sh"
client.args = ["-c", "echo the answer is 42 >answer.txt; cat answer.txt"]
client.wait = True  # `run` waits until it has ended
client.results = ["*.txt"]  # `collect` copies these files
config.add_component(client)

# On other hosts, give the files to send. Remove the `#` in front of these lines, and change the hosts:
#
# for host in ("node1", "alice@node2:2222"):
#     worker = Component(name=f"worker-{host}", host=host, start_index=3)
#     worker.base_dir = "~/experiment"  # a folder on the host; without it, a temporary one
#     worker.files = {"worker.sh": "worker.sh", "data": "data"}  # local path: remote path
#     worker.executable = "worker.sh"  # relative to base_dir
#     worker.args = ["--name", host]
#     config.add_component(worker)
"""


def write_config(file: str) -> Path:
    """Write the example to a new file; return its path. Raise ConfigError if the file exists or cannot be written."""
    path = local_path(file)
    text = TEXT.replace("PROGRAM", program()).replace("FILE", shlex.quote(file))
    with named(f"init: {file}"):
        try:
            with path.open("x") as new:
                new.write(text)
        except FileExistsError:
            hint = f"choose another name: {program()} init FILE"
            raise ConfigError(f"init: {file}: already exists; {hint}") from None
    return path
