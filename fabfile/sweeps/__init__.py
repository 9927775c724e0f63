"""Sweeps: run one config for every combination of parameters, several times."""

from .cells import Cell, Run
from .observer import SweepObserver
from .store import Outcome
from .sweep import Result, Sweep

__all__ = ["Cell", "Outcome", "Result", "Run", "Sweep", "SweepObserver"]
