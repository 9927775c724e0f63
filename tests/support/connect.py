"""Connect to hosts of an ssh config at the same time, as a program of its own, which may have a terminal.

Usage: python -m tests.support.connect CONFIG NAME... The variable TRANSPORT may choose the transport. It prints a line for each host, and notes for the terminal meanwhile.
"""

import os
import sys
import threading
import time

from fabric import Config as Settings

from fabfile.remote.host import Host
from fabfile.ssh.connection import connection_settings
from fabfile.ssh.host_group import HostFailure, HostGroup
from fabfile.ssh.login import prompts
from fabfile.ssh.terminal import guard
from fabfile.ui.stdio import Stdio
from rr_config import Options


def main() -> None:
    config, *names = sys.argv[1:]
    out = Stdio(is_quiet=False)
    prompts.use_screen(out)
    guard()
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(0.1):
            out.show_live("<live>", stop)

    threading.Thread(target=tick, daemon=True).start()
    settings = Settings(runtime_ssh_path=config)
    group = HostGroup(
        names,
        connection_settings(settings, os.environ.pop("REMOTE_RUNNER_PASS", None)),
        Options(config_file="cfg.py", transport=os.environ.get("TRANSPORT", "auto")),
    )

    def connect(host: Host) -> str:
        time.sleep(names.index(host.name) / 4)  # the first one asks first
        host.connect()
        return "connected"

    outcomes = dict(group.each(names, connect, len(names)))
    stop.set()
    out.hide_live()
    for name, outcome in sorted(outcomes.items()):
        out.line(f"{name}: {outcome.reason if isinstance(outcome, HostFailure) else outcome}")
    group.close()


if __name__ == "__main__":
    main()
