"""Define the paths of the project folder and of its `fab`, and list its files."""

import os
import subprocess
import sys
from pathlib import Path

FAB = Path(sys.executable).with_name("fab")
ROOT = Path(__file__).resolve().parent.parent.parent


def source_files(*folders: str) -> list[str]:
    """Return the sorted paths of the project's files, in these folders or everywhere.

    An unpacked source archive has no git. There the list leaves out what begins with a dot.
    """
    if (ROOT / ".git").exists():
        listed = subprocess.run(["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=True)
        return sorted(listed.stdout.splitlines())
    found = []
    for top in folders or (".",):
        for folder, names, files in os.walk(ROOT / top):
            names[:] = [name for name in names if not name.startswith(".") and name != "__pycache__"]
            found += [str((Path(folder) / file).relative_to(ROOT)) for file in files]
    return sorted(found)
