"""Keep the scripts that version 0.1.0 (commit 6dfa47c) sent to a host for the components of `cfg.txt`.

A test runs them to create a session as that version did. They must not be edited.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
