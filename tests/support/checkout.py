"""The folder of the project, and its `fab`."""

import sys
from pathlib import Path

FAB = Path(sys.executable).with_name("fab")
ROOT = Path(__file__).resolve().parent.parent.parent
