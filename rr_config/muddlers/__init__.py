"""Muddlers: files of the user that change a loaded config.

`discovery` finds them, `arguments` parses their options, `running` runs them, and `rewriting` has functions for them.
"""

from .discovery import Muddler, all_muddlers, find_muddler

__all__ = ["Muddler", "all_muddlers", "find_muddler"]
