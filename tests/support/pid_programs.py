"""Configure programs that write down their process id."""

from tests.support.lab import Lab

ADD = """
def add(name, host="node1", start_index=1, executable="p", files={"p": "p"}, base_dir="~/work", **more):
    if host == localhost:
        files, base_dir = {}, None
    config.add_component(Component(name=name, host=host, start_index=start_index, executable=executable,
        files=files, base_dir=base_dir, **more))
"""
# `p` writes its process id to ~/pid.NAME, then evaluates its second argument.
PROGRAM = '#!/bin/sh\necho $$ >~/pid."$1"\neval "${2-exec sleep 1000}"\n'


def prepare(lab: Lab, config: str) -> None:
    lab.write("p", PROGRAM, 0o755)
    lab.config(ADD + config)
