"""Run a command in a terminal."""

import fcntl
import os
import select
import struct
import subprocess
import termios
import threading
from typing import Any

from tests.support.waiting import eventually


class Terminal:
    """A terminal of 100 x 30 characters in which a command runs. `shown` holds its output."""

    def __init__(self, command: list[str], **popen: Any) -> None:
        self.master, self._slave = os.openpty()
        self.resize(30, 100)
        self.settings = termios.tcgetattr(self._slave)
        # The controlling terminal sends SIGWINCH to its foreground process.
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command], stdin=self._slave, stdout=self._slave, stderr=self._slave, **popen
        )
        self.shown = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        while self.process.poll() is None or select.select([self.master], [], [], 0)[0]:
            if select.select([self.master], [], [], 0.05)[0]:
                self.shown += os.read(self.master, 1 << 16)

    def resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def shows(self, expected: bytes) -> None:
        """Wait until `expected` appears after the text that the last call found."""
        eventually(lambda: expected in self.shown, f"{expected!r} on the terminal")
        self.shown = self.shown.partition(expected)[2]

    def types(self, typed: bytes) -> None:
        os.write(self.master, typed)

    def ends(self) -> int:
        """Wait for the end of the command and return its exit status. Check that the settings are restored."""
        status = self.process.wait(timeout=20)
        self._reader.join()
        assert termios.tcgetattr(self._slave) == self.settings
        return status

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self.master)
        os.close(self._slave)
