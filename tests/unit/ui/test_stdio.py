"""Check that output to a reader that does not read does no harm."""

import os
import subprocess
import sys

from tests.support.checkout import ROOT

WRITER = """
import sys, threading
from fabfile.ui.stdio import Stdio
out = Stdio(is_quiet=False)
print("printed")
threading.Thread(target=out.write, args=(b"x" * 10_000_000,), daemon=True).start()
sys.stdin.read(1)
sys.exit(3)
"""


def test_program_ends_while_output_waits_for_reader() -> None:
    read, write = os.pipe()
    try:
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER], cwd=ROOT, stdin=subprocess.PIPE, stdout=write, stderr=subprocess.PIPE
        )
        begin = os.read(read, 8) + os.read(read, 1)
        assert begin == b"printed\nx"
        _, said = writer.communicate(b"x", timeout=20)
        assert (writer.returncode, said) == (3, b"")
    finally:
        os.close(read)
        os.close(write)
