"""What is to run: components, the config that holds them, and the files that say so.

Nothing in this package connects to a host, prints, or imports `fabfile`. Start at `load`.
"""

from .component import Component, Config
from .errors import ConfigError
from .loading import load
from .options import Options

__all__ = ["Component", "Config", "ConfigError", "Options", "load"]
