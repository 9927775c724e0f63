"""The commands, each on all hosts, and the public Python API: `Runner` and the types around it."""

from ..components.output.logs import Selection
from ..components.status import BAD, State, Status, states_named
from ..util.stages import Failure, StageError
from .observer import Observer
from .runner import Runner

__all__ = ["BAD", "Failure", "Observer", "Runner", "Selection", "StageError", "State", "Status", "states_named"]
