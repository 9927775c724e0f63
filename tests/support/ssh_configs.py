"""Add hosts to the ssh config of the lab."""

from pathlib import Path

from tests.support.lab import Lab


def add_to_ssh_config(lab: Lab, name: str, address: str, port: int, key: Path | None = None) -> None:
    section = f"\nHost {name}\n    HostName {address}\n    Port {port}\n    IdentityFile {key or lab.farm.key}\n"
    lab.farm.ssh_config.write_text(lab.farm.ssh_config.read_text() + section)
