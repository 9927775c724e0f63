"""Rounds of questions to hosts: a host without an answer delays no other."""

from fabfile.util.rounds import Rounds

HOSTS = ["a", "b", "c"]


def test_round_is_complete_after_all_answers() -> None:
    rounds = Rounds(at_once=2)
    rounds.begin(HOSTS)
    assert (rounds.due(), rounds.due()) == (["a", "b"], [])
    rounds.answered("b")
    assert rounds.due() == ["c"]
    rounds.answered("a")
    assert not rounds.is_complete
    rounds.answered("c")
    assert rounds.is_complete


def test_late_host_delays_no_other() -> None:
    rounds = Rounds(at_once=1)
    rounds.begin(HOSTS)
    assert rounds.due() == ["a"]
    rounds.begin(HOSTS)
    assert rounds.due() == ["b"], "the late one does not count"
    rounds.answered("b")
    assert rounds.due() == ["c"]
    rounds.answered("c")
    assert rounds.is_complete
    rounds.begin(HOSTS)
    assert rounds.due() == ["b"]
    rounds.answered("a")
    rounds.answered("b")
    assert rounds.due() == ["c"]
    rounds.answered("c")
    rounds.begin(HOSTS)
    assert rounds.due() == ["a"], "it is asked again after its answer"
