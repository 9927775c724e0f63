"""The note-taker of a session on real hosts: one for each session, and gone with it."""

import os
import re
import signal

from tests.support.config_texts import LOGGED as CONFIG
from tests.support.farm import ThrowawayHost, command_lines
from tests.support.files import text
from tests.support.lab import Lab
from tests.support.notes import claim, notes
from tests.support.sessions import ids, kill_server
from tests.support.waiting import eventually


def note_takers(host: ThrowawayHost) -> list[int]:
    return [pid for pid, line in command_lines(host.folder).items() if b"/.note-times\0" in line]


def note_taker(host: ThrowawayHost) -> int:
    """The only one. (Where one was slow to begin, a start has perhaps begun another one, and one of them ends.)"""
    eventually(lambda: len(note_takers(host)) == 1, "one note-taker")
    return note_takers(host)[0]


def test_session_has_one_note_taker(lab: Lab) -> None:
    lab.config(
        CONFIG + "for n in range(12): add(f'a{n}', 'node1', 'echo begun; read -r line')\n"
        "add('b', localhost, 'echo begun; read -r line')"
    )
    lab.run("run")
    taker, here = note_taker(lab.node1), note_taker(lab.here)
    folders = [lab.node1.state() / f"a{number}" for number in range(12)]
    for folder in folders:
        eventually(lambda folder=folder: notes(folder) != [], f"notes of {folder.name}")  # type: ignore[misc]
        assert os.getsid(int(text(folder / "pid"))) != os.getsid(taker), "status does not count it"
    lab.run("start")
    lab.run("stop", "--limit", "a1?,a2")
    lab.run("start", "--limit", "a2")
    eventually(lambda: notes(folders[2]) != [], "notes of the one that was started again")
    # A subshell of the note-taker has its command line for a moment.
    eventually(lambda: (note_takers(lab.node1), note_takers(lab.here)) == ([taker], [here]), "one note-taker each")
    os.kill(here, signal.SIGKILL)
    lab.run("start", "--limit", "b")
    assert note_taker(lab.here) != here, "it was needed, though all run"
    lab.run("stop")
    eventually(lambda: not note_takers(lab.node1) + note_takers(lab.here), "the end of the note-takers")
    assert lab.node1.sessions() == ["runner"]
    before = notes(folders[2])
    lab.run("start", "--limit", "a2")
    assert note_taker(lab.node1) != taker
    eventually(lambda: notes(folders[2]) != [], "notes of the one that was started again")
    assert not set(before) & set(notes(folders[2]))


def test_kill_ends_note_taker(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'sleep 1000')\nadd('b', localhost, 'sleep 1000')")
    lab.run("run")
    assert note_taker(lab.node1) != note_taker(lab.here)
    said = lab.run("kill").stdout
    eventually(lambda: command_lines(lab.node1.folder) == command_lines(lab.here.folder) == {}, "the end of all")
    assert re.search(r"^  \S*node\S+ +ended runner, stopped 1 component$", said, re.MULTILINE)


def test_new_session_has_new_note_taker(lab: Lab) -> None:
    lab.config(CONFIG + "add('a', 'node1', 'echo begun; sleep 1000')")
    lab.run("run")
    before = note_taker(lab.node1)
    (id_,) = ids(lab.node1)
    os.kill(before, signal.SIGSTOP)  # it has not seen yet that its session is gone
    kill_server(id_)
    lab.run("screen")
    lab.run("start")
    os.kill(before, signal.SIGCONT)
    eventually(lambda: before not in note_takers(lab.node1), "the end of the one before")
    assert claim(lab.node1.state())[0] == str(note_taker(lab.node1))
