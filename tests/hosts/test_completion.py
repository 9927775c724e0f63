"""TAB: the answers of `fab --complete`, and real shells that insert them."""

import contextlib
import os
import pty
import re
import select
import subprocess
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from tests.support.checkout import FAB, ROOT
from tests.support.compiled import compiled_names, link_compiled_libraries
from tests.support.configs import complete, write
from tests.support.names import MUDDLERS as OWN
from tests.support.prefork import Prefork
from tests.support.soak import often
from tests.support.waiting import eventually

# Says so wherever it can, and counts how often it is run.
LOUD = """
import os, sys
print("NOISE")
print("NOISE", file=sys.stderr)
os.system("echo NOISE; echo NOISE >&2")
import helper
open("runs", "a").write("x")
for name, host in (("web-1", "node1"), ("web-2", "me@node2:2222"), ("my db", "node1"), ("a@b", "node1")):
    config.add_component(Component(name=name, executable="/bin/true", host=host, start_index=1))
"""


# ---- what `fab --complete` answers


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `fab` finds its commands, with configs in it."""
    folder = tmp_path_factory.mktemp("completion").resolve()
    (folder / "fabfile").symlink_to(ROOT / "fabfile")
    (folder / "checkout").symlink_to(ROOT)
    (folder / "bin").symlink_to(FAB.parent)
    write(folder / "my dir/cfg.py", LOUD)
    write(folder / "my dir/helper.py", "")
    write(folder / "my dir/muddlers/mine.py", "def muddle(config): pass\n")
    write(folder / "named.py", "def muddle(config):\n    for each in config.all_components(): each.name = 'muddled'\n")
    write(folder / "parser.py", "def parse_args(extra_args, ssh_user): return extra_args\n")
    write(
        folder / "parsed.py",
        "config.add_component(Component(name=extra_options, host='h', executable='/x', start_index=1))",
    )
    write(folder / "params.py", "params = util.params(clients=4, mode='slow', debug=False)\n")
    write(folder / "broken.py", "print('NOISE')\n1/0\n")
    write(folder / "asks.py", "input('NOISE')\n" + complete())
    return folder


def environment(folder: Path) -> dict[str, str]:
    """The environment of who calls `fab`. Python compiles what it loads once for all tests, as for a user."""
    compiled = os.environ.get("PYTHONPYCACHEPREFIX", folder / "compiled")
    usual = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    own = {"HOME": folder, "CFG": "my dir/cfg.py", "PYTHONPYCACHEPREFIX": compiled}
    return usual | {name: str(value) for name, value in own.items()} | {"PATH": f"{FAB.parent}:{usual['PATH']}"}


def answered(prefork: Prefork, folder: Path, line: str) -> subprocess.CompletedProcess[str]:
    return prefork.run([str(FAB), "--complete", "--", line], folder, environment(folder), 60)


def answered_by_process(folder: Path, line: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `fab` in a process that has loaded nothing before."""
    command: list[str | Path] = [FAB, "--complete", "--", line]
    return subprocess.run(command, cwd=folder, env=environment(folder) | env, capture_output=True, text=True)


LIMITS = "web-1\nnode1\nweb-2\nnode2\nmy db\na@b\n"


# The others of these lines are typed in the terminals below.
@pytest.mark.parametrize(
    ("line", "expected"),
    often(
        [
            ("fab run -c $CFG --limit x", LIMITS),
            ("fab run -c ~/broken.py -c '~/my dir/cfg.py' --limit ", LIMITS),
            ("fab run -c parsed.py -a parser.py --extra-args --user --limit=!", "--limit=!--user\n--limit=!h\n"),
            ("fab run -c parsed.py -a parser.py --extra-args x -m named.py --limit ", "muddled\nh\n"),
            ("fab restart web-1 -c 'my dir/cfg.py' w", LIMITS),
            ("fab run -m ", "".join(f"{name}\n" for name in OWN)),
            ("fab run -c params.py --set clients=x --set=", "--set=clients=\n--set=mode=\n--set=debug=\n"),
            ("fab run -c ", ""),
        ],
        [
            ("fab run -c 'my dir/cfg.py' --limit ", LIMITS),
            ("fab logs -c 'my dir/cfg.py' ", LIMITS),
            ("fab run -c 'my dir/cfg.py' -m m", "mine\n"),
            ("fab run -c params.py --set cl", "clients=\nmode=\ndebug=\n"),
            ("fab run -c params.py --set debug=", "debug=true\ndebug=false\n"),
        ],
    ),
)
def test_only_candidates_are_printed(prefork: Prefork, folder: Path, line: str, expected: str) -> None:
    done = answered(prefork, folder, line)
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")


def test_config_process_has_no_password(folder: Path) -> None:
    write(folder / "starts.py", "import os\nos.system('env >seen')\n" + complete())
    done = answered_by_process(folder, "fab attach -c starts.py ", REMOTE_RUNNER_PASS="hush")
    assert (done.returncode, done.stdout) == (0, "a\n")
    assert "PATH=" in (folder / "seen").read_text() and "hush" not in (folder / "seen").read_text()


@pytest.mark.parametrize(
    "line",
    [
        "fab run --limit ",
        "fab run -c broken.py --limit ",
        "fab run -c asks.py --limit ",
        "fab run -c 'my dir/cfg.py' -m nowhere --limit ",
        "fab run -c 'my dir/cfg.py' -l loud --limit ",
        "fab run --parallel ",
        "fab run -c 'my dir/cfg.py' --set ",
        "fab run -c params.py --set clients=",
        "fab run -c params.py --set x=",
    ],
)
def test_invalid_line_has_no_candidates(prefork: Prefork, folder: Path, line: str) -> None:
    done = answered(prefork, folder, line)
    assert (done.returncode != 0, done.stdout, done.stderr) == (True, "", "")


def test_completion_uses_config_of_settings(prefork: Prefork, folder: Path) -> None:
    settings = write(folder / "fabric.yaml", "remote_runner:\n  config: my dir/cfg.py\n")
    assert answered(prefork, folder, "fab run --limit ").stdout == LIMITS
    assert answered(prefork, folder, "fab run -m ").stdout.split() == ["mine", *OWN]
    settings.rename(folder / "other.yaml")
    assert answered(prefork, folder, "fab run --limit ").stdout == ""
    assert answered(prefork, folder, "fab -f other.yaml run --limit ").stdout == LIMITS
    assert answered(prefork, folder, "fab -f nowhere.yaml run --limit ").stdout == ""
    for line in ("fab -f ", "fab -f oth", "fab --config=oth"):  # a path: the shell knows better
        done = answered(prefork, folder, line)
        assert (done.returncode, done.stdout) == (0, "")


def test_completion_runs_config_for_limit(prefork: Prefork, folder: Path) -> None:
    runs = folder / "my dir/runs"
    runs.unlink(missing_ok=True)
    for typed in ("--limit", "-m ", "-c "):
        answered(prefork, folder, f"fab run -c 'my dir/cfg.py' {typed}")
    assert not runs.exists()
    compiled = folder / "compiled here"
    link_compiled_libraries(environment(folder)["PYTHONPYCACHEPREFIX"], compiled, folder)
    answered_by_process(folder, "fab run -c 'my dir/cfg.py' --limit ", PYTHONPYCACHEPREFIX=str(compiled))
    assert runs.read_text() == "x"
    assert "completion" in compiled_names(compiled)
    assert "helper" not in compiled_names(compiled)


# ---- in a terminal


# With the lines of the README; and ^T, by which a test sees what is typed.
BASH = r"""
source <(remote-runner --print-completion-script bash)
PS1='$ '
bind -x '"\C-t": printf "%s\n" "$READLINE_LINE" >"$HOME/line"'
"""
ZSH = r"""
autoload -U compinit && compinit -D
source <(remote-runner --print-completion-script zsh)
PS1='$ '
write() { printf "%s\n" "$BUFFER" >"$HOME/line"; }
zle -N write
bindkey '^T' write
"""


@attrs.frozen
class Shell:
    """A shell in a terminal of its own."""

    terminal: int
    folder: Path

    def typed(self, keys: str) -> tuple[str, str]:
        """The line that `keys` lead to, and what the terminal has shown meanwhile."""
        line = self.folder / "line"
        line.unlink(missing_ok=True)
        os.write(self.terminal, f"\x05\x15{keys}\x14".encode())  # ^E ^U clear the line, ^T writes it down
        shown = b""

        def is_written() -> bool:
            nonlocal shown
            while select.select([self.terminal], [], [], 0)[0]:
                shown += os.read(self.terminal, 4096)
            return line.exists() and line.read_text().endswith("\n")

        eventually(is_written, f"the line after {keys!r}; shown: {shown!r}")
        return line.read_text()[:-1], shown.decode()


@contextlib.contextmanager
def started(folder: Path, *command: str | Path) -> Iterator[Shell]:
    """A shell that ends with the block."""
    terminal, other_end = pty.openpty()
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment(folder) | {"TERM": "dumb"},
        stdin=other_end,
        stdout=other_end,
        stderr=other_end,
        start_new_session=True,
    )
    os.close(other_end)
    try:
        yield Shell(terminal, folder)
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


@pytest.fixture(scope="module")
def bash(folder: Path) -> Iterator[Shell]:
    """A bash that completes."""
    with started(folder, "bash", "--rcfile", write(folder / ".bashrc", BASH), "-i") as shell:
        yield shell


@pytest.fixture(scope="module")
def zsh(folder: Path) -> Iterator[Shell]:
    """A zsh that completes."""
    write(folder / ".zshrc", ZSH)
    with started(folder, "zsh", "-d", "-i") as shell:
        yield shell


CONFIG = "fab run -c my\\ dir/cfg.py "
ATTACH = "fab attach -c my\\ dir/cfg.py "
ALL = "\x1b*"  # has bash insert all candidates
BACK = "\x02"


@pytest.mark.parametrize(
    ("keys", "line"),
    often(
        [
            ("fab ru\t", "fab run "),
            ("fab run -c my\t", "fab run -c my\\ dir/"),
            ("fab -S $CF\t", "fab -S $CFG "),
            (f"fab run -l {ALL}", "fab run -l DEBUG ERROR INFO WARNING "),
            ("fab run --on-exit=s\t", "fab run --on-exit=stop "),
            (f"{CONFIG}-m {ALL}", f"{CONFIG}-m mine {' '.join(OWN)} "),
            (f"{ATTACH}{ALL}", f"{ATTACH}a@b my\\ db web-1 web-2 "),
            ("fab logs -c my\\ dir/cfg.py my\t", "fab logs -c my\\ dir/cfg.py my\\ db "),
            (f"{CONFIG}--limit my\\ d\t", f"{CONFIG}--limit my\\ db "),
            (f"{CONFIG}--limit web-1,n\t", f"{CONFIG}--limit web-1,node"),
            (f"{CONFIG}--limit '!my\t", f"{CONFIG}--limit '!my db' "),
            ("fab run -c params.py --set cl\t", "fab run -c params.py --set clients="),
            ("fab run -c params.py --set debug=t\t", "fab run -c params.py --set debug=true "),
            (f"{CONFIG}--limit my --kill{BACK * 7}\t", f"{CONFIG}--limit my\\ db --kill"),
            (f"remote-runner run {CONFIG[8:]}--limit my\t", f"remote-runner run {CONFIG[8:]}--limit my\\ db "),
        ],
        [
            ("fab run -c 'my dir/cf\t", "fab run -c 'my dir/cfg.py' "),
            (f"{CONFIG}-m br\t", f"{CONFIG}-m broken.py "),
            (f"{CONFIG}--limit 'my d\t", f"{CONFIG}--limit 'my db' "),
            (f"{CONFIG}--limit \\!my\t", f"{CONFIG}--limit \\!my\\ db "),
            ("fab run -c broken.py --limit \t", "fab run -c broken.py --limit "),
            ("remote-runner ru\t", "remote-runner run "),
        ],
    ),
)
def test_tab_completes_in_bash(bash: Shell, keys: str, line: str) -> None:
    inserts(bash, keys, line)


@pytest.mark.parametrize(
    ("keys", "line"),
    often(
        [
            ("fab ru\t", "fab run "),
            ("fab run -c my\t", "fab run -c my\\ dir/"),
            (f"{CONFIG}-m br\t", f"{CONFIG}-m broken.py "),
            (f"{CONFIG}--limit '!my\t", f"{CONFIG}--limit '!my db' "),
            (f"{CONFIG}--limit web-1,n\t", f"{CONFIG}--limit web-1,node"),
            (f"{CONFIG}--limit my --kill{BACK * 7}\t", f"{CONFIG}--limit my\\ db  --kill"),
            ("fab run -c broken.py --limit \t", "fab run -c broken.py --limit "),
            ("fab run -c params.py --set=cl\t", "fab run -c params.py --set=clients="),
        ],
        [
            ("fab run -c params.py --set cl\t", "fab run -c params.py --set clients="),
            ("fab run -c params.py --set debug=t\t", "fab run -c params.py --set debug=true "),
            ("remote-runner ru\t", "remote-runner run "),
        ],
    ),
)
def test_tab_completes_in_zsh(zsh: Shell, keys: str, line: str) -> None:
    inserts(zsh, keys, line)


def inserts(shell: Shell, keys: str, line: str) -> None:
    """The line is that one afterwards, and no message has been shown."""
    found, shown = shell.typed(keys)
    assert found == line
    assert not re.search("NOISE|rror|Can't", shown)


@pytest.mark.parametrize("name", ["bash", "zsh"])
def test_tab_completes_with_search_root(request: pytest.FixtureRequest, name: str) -> None:
    """In a folder that has none itself, nor above it."""
    shell: Shell = request.getfixturevalue(name)
    shell.typed("cd /\n")
    try:
        inserts(shell, "fab ru\t", "fab ru")
        inserts(shell, "~/bin/fab -r ~/checkout ru\t", "~/bin/fab -r ~/checkout run ")
        inserts(shell, "remote-runner ru\t", "remote-runner run ")
    finally:
        shell.typed("cd\n")
