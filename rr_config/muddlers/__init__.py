"""Muddlers: finding them, running them on a config, and what they do to components."""

from .discovery import Muddler, all_muddlers, find_muddler

__all__ = ["Muddler", "all_muddlers", "find_muddler"]
