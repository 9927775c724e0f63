"""Config files: components, the config that holds them, and the muddlers that change it.

Nothing in this package connects to a host, prints, or imports `fabfile`. Start reading at `load`.
"""

from .command_line.options import Options
from .component import Component
from .config import Config
from .errors import ConfigError
from .hosts.limit import component_named
from .loading import load
from .muddlers.discovery import all_muddlers

__all__ = ["Component", "Config", "ConfigError", "Options", "all_muddlers", "component_named", "load"]
