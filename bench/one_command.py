"""Run ours for "first connect and one command": `python -m bench.one_command SSH_CONFIG HOST...`."""

import gc
import sys

from fabric import Config

from fabfile.remote.ask import ask
from fabfile.remote.script import Script, read_script
from fabfile.ssh.connection import connection_settings
from fabfile.ssh.host_group import HostFailure, HostGroup

settings = Config(runtime_ssh_path=sys.argv[1])
script = Script(read_script("prologue.sh") + "main() { true; }\n")
group = HostGroup(sys.argv[2:], connection_settings(settings))
outcomes = dict(group.each(sys.argv[2:], lambda host: ask(host, script), len(sys.argv)))
failures = [outcome for outcome in outcomes.values() if isinstance(outcome, HostFailure)]
group.close()
gc.freeze()  # fab does the same at exit
sys.exit("\n".join(map(str, failures)) or len(outcomes) != len(sys.argv[2:]))
