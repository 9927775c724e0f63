"""Create headers of tar streams."""

import tarfile


def header(name: str, kind: bytes = b"0", size: int = 0) -> bytes:
    """Return the header of a member of a tar stream."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def sparse(*parts: tuple[int, int], size: int = 512, stored: int | None = None) -> bytes:
    """Return the header of `./r`, a sparse file of `size` bytes with some data parts: offset and length of each.

    `stored` is the size of the data, unless it is that of the parts.
    """
    plain = bytearray(header("./r", b"S", sum(length for _, length in parts) if stored is None else stored))
    numbers = [number for part in parts for number in part] + [0] * (8 - 2 * len(parts))
    plain[386:495] = b"".join(b"%011o\0" % number for number in numbers) + b"\0%011o\0" % size
    plain[148:156] = b" " * 8
    plain[148:156] = b"%06o\0 " % sum(plain)
    return bytes(plain)


def pax(kind: bytes = b"x", **values: str) -> bytes:
    """Return a pax header with its values. They apply to the next member, or to all members for kind `g`."""
    lines = b""
    for key, value in values.items():
        line = f" {key}={value}\n".encode()
        size = next(n for n in range(len(line), len(line) + 10) if len(b"%d" % n) + len(line) == n)
        lines += b"%d%s" % (size, line)
    return header("x", kind, len(lines)) + lines + bytes(-len(lines) % 512)
