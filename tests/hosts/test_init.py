"""`init` writes a config that runs on localhost as it stands."""

import pytest

from tests.support.lab import Lab
from tests.support.outcomes import refused


@pytest.mark.parametrize(
    ("words", "name"), [([], "config.py"), (["mine.py"], "mine.py"), (["-l", "INFO", "a b"], "a b")]
)
def test_written_config_is_run(lab: Lab, words: list[str], name: str) -> None:
    done = lab.fab("init", *words)
    quoted = f"'{name}'" if " " in name else name
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1] == f"next: fab run --config {quoted}"
    done = lab.fab("run", "--collect", "-c", name)
    assert done.returncode == 0, done.stderr
    assert lab.here.sessions() == ["runner"]
    (answer,) = lab.folder.glob("results/2*/localhost/client/results/answer.txt")
    assert answer.read_text() == "the answer is 42\n"


def test_existing_file_is_not_replaced(lab: Lab) -> None:
    path = lab.write("config.py", "x = 1\n")
    refused(lab.fab("init"), "init: config.py: already exists; choose another name: fab init FILE")
    refused(lab.fab("init", "a.py", "b.py"), "unknown command b.py; ")
    assert path.read_text() == "x = 1\n"
