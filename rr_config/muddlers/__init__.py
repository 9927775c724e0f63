"""Muddlers: files of the user that change a loaded config.

`discovery` finds them, `arguments` parses their options, `running` runs them, and `rewriting` has functions for them.
"""
