"""KillUserProcesses: the files of logind in the order of systemd, read by the script in a namespace of its own."""

import subprocess
from pathlib import Path

import pytest

from fabfile.diagnosis.logout import kills_at_logout
from fabfile.remote.script import command
from tests.support.scripts import script_of

YES, NO = "[Login]\nKillUserProcesses=yes\n", "[Login]\nKillUserProcesses=no\n"


@pytest.mark.parametrize(
    ("text", "kills"),
    [
        (YES, True),
        ("[Login]\n KillUserProcesses = TRUE \n", True),
        ("[Login]\n#KillUserProcesses=yes\n; KillUserProcesses=yes\n", False),
        ("[Other]\nKillUserProcesses=yes\n", False),
        (YES + "[]\nKillUserProcesses=no\n", True),  # a file begins outside of any section
        (YES + "[]\n" + NO, False),
        (YES + "KillUserProcesses=\nKillUserProcesses=maybe\n", True),
        (YES + "KillExcludeUsers=root me\n", False),
        (YES + "KillExcludeUsers=\n", True),
        (YES + "KillOnlyUsers=other\n", False),
        (YES + "KillOnlyUsers=other 1000\n", True),
    ],
)
def test_settings_decide_about_a_user(text: str, kills: bool) -> None:
    assert kills_at_logout(text, ("me", "1000")) == kills
    assert not kills_at_logout(YES + "KillExcludeUsers=me\n", ("root", "0")), "users add up"


FILES = {
    "/run/systemd/logind.conf": YES,  # the one in /etc counts
    "/etc/systemd/logind.conf": NO,
    "/usr/lib/systemd/logind.conf.d/10-a.conf": NO,
    "/etc/systemd/logind.conf.d/20-b.conf": NO + "KillOnlyUsers=b",
    "/usr/lib/systemd/logind.conf.d/20-b.conf": YES + "# hidden",
    "/run/systemd/logind.conf.d/30-c.conf": YES + "# wins",
    "/usr/lib/systemd/logind.conf.d/40-d.conf": NO + "# masked",
    "/run/systemd/logind.conf.d/.hidden.conf": NO + "# hidden",
    "/run/systemd/logind.conf.d/50-e": NO + "# hidden",
}


@pytest.mark.root
@pytest.mark.parametrize("sh", ["dash", "bash"])
def test_logind_files_are_read_in_order(sh: str, tmp_path: Path) -> None:
    mounts = ""
    for folder in ("/etc/systemd", "/run/systemd", "/usr/lib/systemd"):
        (tmp_path / folder[1:] / "logind.conf.d").mkdir(parents=True)
        mounts += f"mkdir -p {folder}; mount --bind {tmp_path}{folder} {folder}\n"
    for path, text in FILES.items():
        (tmp_path / path[1:]).write_text(text)
    (tmp_path / "run/systemd/seats").mkdir()
    (tmp_path / "etc/systemd/logind.conf.d/40-d.conf").symlink_to("/dev/null")
    script = script_of("answer_logind", "logind").sent_by()
    line = command(script).replace("exec sh", f"exec {sh}")
    done = subprocess.run(["unshare", "-m", "sh", "-c", mounts + line], input=script, capture_output=True)
    _, _, found, end, _ = done.stdout.decode().split("\0")
    assert (end, done.stderr) == ("done", b"")
    word, linger, text = found.split(" ", 2)
    assert (word, linger) == ("logind", "leaves")
    kept = [line for line in text.split("\n") if line and line not in ("[]", "[Login]")]
    no = "KillUserProcesses=no"
    assert kept == [no, no, no, "KillOnlyUsers=b", "KillUserProcesses=yes", "# wins"]
    assert kills_at_logout(text, ("b",))
