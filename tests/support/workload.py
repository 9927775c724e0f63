"""Configure many files on two hosts."""

from tests.support.lab import Lab

CONFIG = """
for host in ("node1", "node2"):
    for index in (1, 2, 3):
        config.add_component(Component(
            name=f"c{index}", host=host, executable="program", args=[f"rr-chaos-{index}"], start_index=index, base_dir="~/work",
            files={"program": "program", "tree": "tree", "big": "big"},
        ))
"""
PROGRAM = "#!/bin/sh\nexec sleep 1000.$(echo $1 | tr -dc 0-9)\n"
FILES, SIZE = 300, 8_000_000


def configure(lab: Lab, content: str) -> None:
    lab.write("program", PROGRAM, 0o755)
    for number in range(FILES):
        lab.write(f"tree/{number % 7}/{number}", f"{content} {number}")
    (lab.folder / "big").write_bytes(content.encode() * (SIZE // len(content)))
    lab.config(CONFIG)
