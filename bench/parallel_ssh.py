"""Run parallel-ssh for "first connect and one command": `python parallel_ssh.py USER KEY ADDRESS:PORT...`."""

import sys

from pssh.clients import ParallelSSHClient
from pssh.config import HostConfig

targets = [text.split(":") for text in sys.argv[3:]]
client = ParallelSSHClient(
    [address for address, _ in targets],
    host_config=[HostConfig(port=int(port), private_key=sys.argv[2], user=sys.argv[1]) for _, port in targets],
    pool_size=64,
)
client.join(client.run_command("true"))
