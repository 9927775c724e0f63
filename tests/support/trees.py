"""Create local file trees and a host's report of them."""

import os
import stat

from fabfile.transfer.inventory import Inventory, RemoteEntry, read_inventory
from fabfile.transfer.tree import Tree
from rr_config.files.local_files import LocalFile

FILE, FOLDER = stat.S_IFREG, stat.S_IFDIR
LOCAL = LocalFile("/l", 0o644, 5)


def record(found: RemoteEntry, path: str) -> bytes:
    """Return a record as `stat` prints it."""
    return f"{found.mode:x} {found.size} ".encode() + os.fsencode(path)


def survey_of(tree: Tree, there: dict[str, RemoteEntry]) -> Inventory:
    """Return the inventory of a host that has the entries `there`."""
    return read_inventory(tree, [record(there[path], path) for path in (*tree.files, *tree.folders) if path in there])
