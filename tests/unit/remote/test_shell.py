"""Values enter shell text unharmed: real shells run the text, and what arrives is compared."""

import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fabfile.remote import shell
from fabfile.remote.script import DONE, FAILED, GREETING
from fabfile.remote.script import command as command_of
from rr_config.texts import variables
from tests.support.awkward import AWKWARD, ENVIRONMENT, EXPANSIONS
from tests.support.checkout import ROOT
from tests.support.scripts import script_of

# If `sh` is one of the other two, as on Debian, test it only once.
OTHERS = [["dash"], ["bash", "--posix"]]
KNOWN = {Path(str(shutil.which(name))).resolve() for name, *_ in OTHERS}
SHELLS = [["sh"]] * (Path(str(shutil.which("sh"))).resolve() not in KNOWN) + OTHERS


def run(sh: list[str], text: str, environment: dict[str, str] | None = None) -> str:
    """Return the stdout of `sh` with `text` as stdin. Any error fails the test."""
    done = subprocess.run(
        sh, input=os.fsencode(text), env=os.environ | (environment or {}), capture_output=True, timeout=30
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return os.fsdecode(done.stdout)


@pytest.fixture(params=SHELLS, ids=" ".join)
def sh(request: pytest.FixtureRequest) -> list[str]:
    """The command line of each shell that a host may have as `sh`."""
    command: list[str] = request.param
    return command


def shown(word: str) -> str:
    """Shell text that prints each of the words that `word` makes, and NUL behind each."""
    return f"printf '%s\\0' {word}\n"


def test_quoted_text_is_one_word(sh: list[str]) -> None:
    assert arrived(sh, {text: shown(shell.quote(text)) for text in AWKWARD}) == AWKWARD


def test_quoted_text_survives_use(sh: list[str]) -> None:
    def body(word: str) -> str:
        return f"keep() {{ kept=$1; }}\nkeep {word}\ncase $kept in {word})\n" + shown('"$kept"') + ";; esac\n"

    assert arrived(sh, {text: body(shell.quote(text)) for text in AWKWARD}) == AWKWARD


def test_expanded_text_is_one_word(sh: list[str]) -> None:
    assert [text for text in AWKWARD if variables(text)] == []
    assert arrived(sh, {text: shown(shell.expanded(text)) for text in AWKWARD}) == AWKWARD


def test_names_are_expanded(sh: list[str]) -> None:
    def body(text: str) -> str:
        return "".join(shell.from_environment(n) + "\n" for n in variables(text)) + shown(shell.expanded(text))

    bodies = {text: "sh_own=not_exported\n" + body(text) for text in EXPANSIONS}
    assert arrived(sh, bodies, ENVIRONMENT) == EXPANSIONS


def test_odd_text_beside_a_name_survives(sh: list[str]) -> None:
    line = shell.from_environment("SPACES") + "\n"
    bodies = {text: line + shown(shell.expanded(f"{text}${{SPACES}}{text}")) for text in AWKWARD}
    assert arrived(sh, bodies, ENVIRONMENT) == {text: f"{text}  two  words {text}" for text in AWKWARD}


PATHS = {
    "~": "/my home",
    "~/": "/my home/",
    "~/x": "/my home/x",
    "~/a b/$HOME/*'\"": "/my home/a b/$HOME/*'\"",
    "~//x": "/my home//x",
    "~root": pwd.getpwnam("root").pw_dir,
    "~root/a b": f"{pwd.getpwnam('root').pw_dir}/a b",
    "./~/x": "./~/x",
    "/a/~": "/a/~",
    "/a b/~root": "/a b/~root",
    "~a b": "~a b",
    "~$(echo bad)/x": "~$(echo bad)/x",
    "~;echo bad": "~;echo bad",
    "~\n/x": "~\n/x",
    "": "",
    "*": "*",
    "-x": "-x",
}


def test_only_leading_home_is_expanded(sh: list[str]) -> None:
    home = {"HOME": "/my home"}
    assert arrived(sh, {path: shown(shell.path(path)) for path in PATHS}, home) == PATHS
    assigned = {path: f"p={shell.path(path)}\n" + shown('"$p"') for path in PATHS}
    assert arrived(sh, assigned, home) == PATHS


def test_absolute_paths_are_literal(sh: list[str]) -> None:
    assert arrived(sh, {t: shown(shell.path("/" + t)) for t in AWKWARD}) == {t: f"/{t}" for t in AWKWARD}
    of_home = arrived(sh, {t: shown(shell.path("~/" + t)) for t in AWKWARD}, {"HOME": "/h"})
    assert of_home == {t: f"/h/{t}" for t in AWKWARD}


def arrived(sh: list[str], bodies: dict[str, str], environment: dict[str, str] | None = None) -> dict[str, str]:
    """Return the output of each of `bodies`, run in one script. Each prints one word with `shown`."""
    *words, rest = run(sh, "".join(bodies.values()), environment).split("\0")
    assert rest == ""
    return dict(zip(bodies, words, strict=True))


# -- whole scripts


def records(sh: list[str], body: str, after: bytes = b"", folder: Path = Path("/")) -> list[str]:
    """Return the records that the script `body` answers, sent as to a host with this `sh`."""
    script = script_of(body).sent_by()
    return answered(sh, script, script + after, folder)


def answered(sh: list[str], script: bytes, sent: bytes, folder: Path) -> list[str]:
    command = command_of(script).replace("exec sh -c", f"exec {' '.join(sh)} -c", 1)
    done = subprocess.run(["sh", "-c", command], cwd=folder, input=sent, capture_output=True, timeout=30)
    *whole, rest = os.fsdecode(done.stdout).split("\0")
    assert rest == ""
    greetings = [number for number, record in enumerate(whole) if record.startswith(GREETING)]
    return whole[greetings[0] + 1 :] if greetings else []


def test_script_greets_answers_and_ends(sh: list[str]) -> None:
    assert records(sh, "answer one; answer ''; answer 'a b\nc'") == ["one", "", "a b\nc", DONE]


def test_script_answers_any_text(sh: list[str]) -> None:
    assert records(sh, "\n".join(f"answer {shell.quote(text)}" for text in AWKWARD)) == [*AWKWARD, DONE]


def test_failed_script_only_says_why(sh: list[str]) -> None:
    assert records(sh, "answer one; fail 'no room'; answer two") == ["one", f"{FAILED}no room"]


def test_script_reads_what_follows(sh: list[str]) -> None:
    body = 'read -r line; answer "$line"; answer "$(head -c 5)"; answer "$(cat)"'
    assert records(sh, body, b"a \\line\n12345rest") == ["a \\line", "12345", "rest", DONE]


def test_long_script_is_run(sh: list[str]) -> None:
    body = f"set -- {shell.quote('x' * 3_000_000)}; answer ${{#1}}"
    assert records(sh, body) == ["3000000", DONE]


@pytest.mark.parametrize("login_shell", [["sh"], ["bash"], ["bash", "--posix"]], ids=" ".join)
def test_command_line_is_short_and_plain(login_shell: list[str]) -> None:
    script = script_of("answer " + "x" * 100_000).sent_by()
    command = command_of(script)
    assert len(command) < 100
    done = subprocess.run([*login_shell, "-c", command], input=script, capture_output=True)
    assert done.stdout.endswith(b"x\0done\0")


CUTS = r"""
import subprocess, sys
from tests.support.scripts import script_of
script = script_of("touch ran\ncase x in x) touch ran ;; esac\ncat <<END >ran\n} text\nEND\n").sent_by()
begin, end = script.index(b"main() {"), script.rindex(b"}")
for size in [*range(0, begin, 20), *range(begin, end + 1)]:
    done = subprocess.run([*sys.argv[1:], "-c", 'is_evaluated=yes; eval "$(cat)"'], input=script[:size], capture_output=True)
    assert b"done\0" not in done.stdout, size
"""


def test_cut_script_runs_nothing(sh: list[str], tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", CUTS, *sh], cwd=tmp_path, check=True, env=os.environ | IMPORTABLE)
    assert list(tmp_path.iterdir()) == []


IMPORTABLE = {"PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("sh", ["dash", "bash"])
@pytest.mark.parametrize(
    ("command", "is_leader"),
    [
        ('exec "$0" -c "$1"', False),  # as OpenSSH runs a command
        ('"$0" -c "$1"; true', False),  # with a ForceCommand that stays
        ('unset SSH_CONNECTION; env SSH_CONNECTION=c "$0" -c "$1"; true', True),  # as Dropbear does
    ],
)
def test_script_knows_its_owner(sh: str, command: str, is_leader: bool) -> None:
    environment = os.environ | {"SSH_CONNECTION": "c"}
    if is_leader:
        del environment["SSH_CONNECTION"]
    script = "is_evaluated=yes; " + script_of('answer "$connection"').sent_by().decode()
    begun = [sh, "-c", command, sh, script]
    with subprocess.Popen(begun, env=environment, stdout=subprocess.PIPE, start_new_session=True) as process:
        said, _ = process.communicate(timeout=10)
    owner = said.split(b"\0")[-3]
    assert int(owner) == (process.pid if is_leader else os.getpid())
