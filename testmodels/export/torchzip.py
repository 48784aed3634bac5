"""Rewrites a zip archive in the layout of PyTorch's own writer, entry by entry.

PyTorch writes entries with data descriptors, sizes of zero in the local headers and data aligned to 64 bytes; Python's zipfile
writes none of that, so fixtures made with it would not show what real files look like. Here an archive is read, its entries are
edited, and written again in that layout, without times or anything else of the machine. The same entries give the same bytes.
"""
import struct
import zipfile
import zlib
from pathlib import Path

_ALIGNMENT = 64
_FLAGS = 0x0808  # sizes follow the data; names are UTF-8
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sHHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")


def read(path: Path) -> list:
    """The entries of an archive in their order: (name below the root folder, data, whether it is deflated)."""
    with zipfile.ZipFile(path) as archive:
        return [(i.filename.split("/", 1)[1], archive.read(i), i.compress_type == zipfile.ZIP_DEFLATED)
                for i in archive.infolist()]


def write(path: Path, root: str, entries: list) -> None:
    """Writes entries below a root folder; an empty root gives none."""
    out, central = bytearray(), bytearray()
    for name, data, deflated in entries:
        name = (f"{root}/{name}" if root else name).encode()
        method, version, stored = (8, 20, _deflate(data)) if deflated else (0, 0, data)
        crc, offset = zlib.crc32(data), len(out)
        fill = -(offset + _LOCAL.size + len(name) + 4) % _ALIGNMENT
        out += _LOCAL.pack(b"PK\3\4", version, _FLAGS, method, 0, 0, 0, 0, 0, len(name), 4 + fill)
        out += name + b"FB" + struct.pack("<H", fill) + b"Z" * fill + stored
        out += struct.pack("<4sLLL", b"PK\7\x08", crc, len(stored), len(data))
        central += _CENTRAL.pack(b"PK\1\2", 0, version, _FLAGS, method, 0, 0, crc, len(stored), len(data), len(name), 0, 0, 0, 0, 0,
                                 offset) + name
    end = _END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(central), len(out), 0)
    path.write_bytes(bytes(out) + bytes(central) + end)


def _deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()
