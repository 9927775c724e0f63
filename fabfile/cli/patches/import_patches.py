"""Deferred imports: modules that Invoke and paramiko import, although hardly any command needs them.

They take a third of the start of `remote-runner`. `fab` has loaded them before it loads this fabfile.
`tests/unit/test_patches.py` fails if the libraries use them in another way.
"""

import contextlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any


class _StandIn(ModuleType):
    """Stands for a module, and loads it when one of its names is used."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # the import system asks for some
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


@contextlib.contextmanager
def deferring() -> Iterator[None]:
    """Let modules that are imported within get stand-ins. Afterwards, everything else gets the real modules."""
    names = () if "invoke" in sys.modules else ("importlib.metadata", "invoke.vendor.yaml", "unittest.mock")
    stand_ins = {name: _StandIn(name) for name in names if name not in sys.modules}
    if mock := stand_ins.get("unittest.mock"):  # only for MockContext; it also imports asyncio
        mock.Mock = lambda *args, **more: importlib.import_module("unittest.mock").Mock(*args, **more)  # type: ignore[attr-defined]
    if metadata := stand_ins.get("importlib.metadata"):
        metadata.version = _version  # type: ignore[attr-defined]
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name, stand_in in stand_ins.items():
            if sys.modules.get(name) is stand_in:
                del sys.modules[name]


def _version(package: str) -> str:
    """Return the version of an installed package, from the name of its folder of metadata.

    The Python Packaging User Guide defines it: NAME-VERSION.dist-info.
    """
    found = [path for folder in sys.path for path in Path(folder).glob(f"{package}-*.dist-info")]
    if len(found) == 1:
        return found[0].name.removeprefix(f"{package}-").removesuffix(".dist-info")
    return str(importlib.import_module("importlib.metadata").version(package))
