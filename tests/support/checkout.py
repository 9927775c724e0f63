"""Define the paths of the project folder and of its `fab`."""

import sys
from pathlib import Path

FAB = Path(sys.executable).with_name("fab")
ROOT = Path(__file__).resolve().parent.parent.parent
