"""Scripts on localhost: output, end, and a missing shell."""

import contextlib
from pathlib import Path

import pytest

from fabfile.remote.ask import ask, conversation
from fabfile.ssh.local_host import LocalHost
from fabfile.util.errors import HostError
from tests.support.files import text
from tests.support.scripts import script_of
from tests.support.waiting import eventually


def test_local_script_may_print_much() -> None:
    with contextlib.closing(LocalHost(most_silent=10, group=1)) as host:
        assert ask(host, script_of("head -c 300000 /dev/zero >&2; answer said")) == ["said"]


def test_released_script_leaves_nothing(tmp_path: Path) -> None:
    host = LocalHost(most_silent=10, group=1)
    begin = f"sleep 1000 &\necho $! >{tmp_path}/pid\ntrap 'touch {tmp_path}/trapped; exit' TERM\nanswer begun\nwait"
    with contextlib.suppress(HostError), conversation(host, script_of(begin)) as talk:
        assert talk.answer() == "begun"
        host.close()
        assert (tmp_path / "trapped").exists()
    pid = text(tmp_path / "pid").strip()
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "the end of what it has started")


def test_failed_local_shell_is_a_host_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(HostError, match=r"^cannot start sh: sh: no such file or directory$"):
        ask(LocalHost(most_silent=10, group=1), script_of(""))
