"""Configure one component on each host that counts its starts."""

import json

from tests.support.lab import Lab

CONFIG = """
for host in {hosts}:
    config.add_component(Component(
        name="a", host=host, executable="/bin/sh", args=["-c", "echo >>a; exec sleep 1000"], start_index=1, base_dir={base_dir!r},
        files={{"f": "f"}},
    ))
"""


def configure(lab: Lab, *hosts: str, base_dir: str | None = "~") -> None:
    lab.write("f", "content")
    lab.config(CONFIG.format(hosts=list(hosts), base_dir=base_dir))


def states(lab: Lab) -> dict[str, str]:
    """Return the state of each host's component, as `fab status` reports it."""
    told = json.loads(lab.fab("status", "--json", "-c", "cfg.py").stdout)
    return {each["host"]: each["state"] for each in told}
