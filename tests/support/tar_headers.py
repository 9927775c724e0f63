"""Create headers of tar streams."""

import tarfile


def header(name: str, kind: bytes = b"0", size: int = 0) -> bytes:
    """Return the header of a member of a tar stream."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def pax(kind: bytes = b"x", **values: str) -> bytes:
    """Return a pax header with its values. They apply to the next member, or to all members for kind `g`."""
    lines = b""
    for key, value in values.items():
        line = f" {key}={value}\n".encode()
        size = next(n for n in range(len(line), len(line) + 10) if len(b"%d" % n) + len(line) == n)
        lines += b"%d%s" % (size, line)
    return header("x", kind, len(lines)) + lines + bytes(-len(lines) % 512)
