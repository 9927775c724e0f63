"""The page about the ssh config lists every keyword."""

import gzip
import re
import shutil
from pathlib import Path

import pytest

from fabfile.ssh.config import openssh
from fabfile.ssh.config.keywords import COMMANDS, CONVERTERS
from tests.support.checkout import ROOT
from tests.support.ssh_config_cases import CASES, FOR_SSH

MANUAL = Path("/usr/share/man/man5/ssh_config.5.gz")
ROW = re.compile(r"^\| `(\w+)` \| (.*?) \|", re.MULTILINE)


def rows() -> list[tuple[str, str]]:
    return ROW.findall((ROOT / "docs/ssh-config.md").read_text())


def keywords_of_manual() -> set[str]:
    if not MANUAL.exists():  # some systems install no manuals
        pytest.skip(f"{MANUAL} is missing")
    text = gzip.decompress(MANUAL.read_bytes()).decode()
    options = text.partition(".Sh PATTERNS")[0]
    return set(re.findall(r"^\.It Cm (\w+)", options, re.MULTILINE))


def test_table_has_a_row_for_every_keyword() -> None:
    listed = [name.lower() for name, _ in rows()]
    assert listed == sorted(set(listed))
    ssh = shutil.which("ssh") or "ssh"
    assert (openssh.defaults(ssh).keys() | CONVERTERS.keys() | COMMANDS) - set(listed) == set()
    assert {effect for _, effect in rows()} == {"obeyed", "harmless", "refused"}


def test_table_spells_keywords_as_the_manual() -> None:
    assert keywords_of_manual() - {name for name, _ in rows()} == set()


def test_cases_use_every_keyword_of_the_manual() -> None:
    texts = [text for case in (CASES | FOR_SSH).values() for text in (case.text, *case.files.values())]
    used = {word.lower() for text in texts for word in re.findall(r"^\s*([A-Za-z0-9]+)", text, re.MULTILINE)}
    assert {name.lower() for name in keywords_of_manual()} - used == set()
