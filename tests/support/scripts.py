"""Create scripts that tests run on hosts or in a local shell."""

import os
import subprocess

from fabfile.components.ownership import Owner
from fabfile.remote.script import Script, command, read_script


def script_of(body: str, *includes: str, **values: str | int | bool) -> Script:
    """Return a script that runs `body`, after the prologue and the files in `scripts/` that `includes` names."""
    library = "".join(read_script(f"{name}.sh") for name in includes or ("prologue",))
    return Script(f"{library}main() {{\n{body}\n}}\n", values)


OWNER = Owner('["config", "/cfg.py", "me", "here"]', "/cfg.py of me@here")
OWNERSHIP = OWNER.values(replace=False)


def answers_of(sh: str, script: Script) -> bytes:
    """Return the output of a script that this machine's `sh` runs."""
    sent = script.sent_by("me", born=5, group=1)
    return subprocess.run([sh, "-c", command(sent)], input=sent, env=os.environ, capture_output=True).stdout
