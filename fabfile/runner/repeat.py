"""`Repeat`: the command that brings the hosts to the state that a failed command wanted. Pure."""

from collections.abc import Callable, Iterable, Sequence

import attrs

from rr_config import Component, Config

from ..util.stages import StageError

LimitTo = Callable[[Sequence[Component]], str]


@attrs.frozen
class Repeat:
    """A command with its own options, and the value of --limit; None means the limit of the failed command."""

    words: tuple[str, ...]
    limit: str | None = None


# Commands that act on whole hosts: they can be repeated for the failed hosts.
OF_HOSTS = (
    *("kill", "screen", "sync", "stop", "plan", "collect", "logs", "attach", "report"),
    *("doctor", "status", "exec", "clean"),
)


def repeat_of(
    command: str, error: StageError, config: Config, unwell: Sequence[Component], limit_to: LimitTo
) -> Repeat | None:
    """Return what repeats `command` after `error`, so that components that are well keep running.

    `unwell` are the components that neither run nor have succeeded. `limit_to` returns the limit that selects
    components. Return None if the command would fail again.
    """
    failed_hosts = error.hosts - error.final
    if error.final and not (failed_hosts and (error.went_on or command in OF_HOSTS)):
        return None
    on_failed = [each for each in config.all_components() if each.host in failed_hosts]
    if error.stage == "connect" and not error.went_on and not error.final:
        return Repeat((command,))  # nothing has changed on any host
    if command in OF_HOSTS:
        return Repeat((command,), _limit(on_failed, config, limit_to))
    if command == "run":
        return _repeat_of_run(error, config, unwell, on_failed, limit_to)
    if command == "restart":
        stages = {each.stage or error.stage for each in error.failures}
        is_stopped = all(stage.startswith(("start", "check")) for stage in stages)
        return Repeat(("start" if is_stopped else "restart",), _limit(unwell, config, limit_to))
    if command == "wait" and not unwell:
        return Repeat(("wait",))  # a limit would choose other components to wait for
    if command == "wait":
        chosen = [*unwell, *(each for each in on_failed if each not in unwell)]
        return Repeat(("run", "--no-kill"), _limit(chosen, config, limit_to))
    return Repeat((command,), _limit(unwell, config, limit_to))


def _repeat_of_run(
    error: StageError, config: Config, unwell: Sequence[Component], on_failed: Sequence[Component], limit_to: LimitTo
) -> Repeat:
    stages = {each.stage or error.stage for each in error.failures}
    if error.went_on:
        # The other hosts are done. A host that failed before its old session ended needs all stages.
        words = ("run",) if stages & {"connect", "kill"} else ("run", "--no-kill")
        chosen = {each.label for each in (*unwell, *on_failed)}
        return Repeat(words, _limit([c for c in config.all_components() if c.label in chosen], config, limit_to))
    if error.stage == "kill":
        return Repeat(("run",))  # nothing has been started on any host
    return Repeat(("run", "--no-kill"), _limit(unwell, config, limit_to))


def _limit(components: Iterable[Component], config: Config, limit_to: LimitTo) -> str | None:
    """Return the limit that chooses these components, or None if they are none or all."""
    chosen = list(components)
    if not chosen or len(chosen) == len(config.all_components()):
        return None
    return limit_to(chosen)
