"""Zip files: written so that equal files give equal bytes, and those of strangers read strictly, as of all that a zip
file can be only so much is needed.

Nothing is unpacked before the whole list of entries has been seen, and every byte of the file must belong to an entry,
to its place in the list, or to the end of the list: nothing stands before, between, behind or twice. Python's own
reader is more forgiving; where two readers may see two different files, this one sees none.
"""

from __future__ import annotations

import contextlib
import os
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ideation import Clause, TwinseedError, require_plain_file

MAX_ENTRIES = 2_000
#: Bytes: of the file, and of all that is in it.
MAX_TOTAL = 512_000_000
#: Nothing that is written down or drawn is packed that well.
MAX_RATIO = 100
#: A small text of one letter may be.
FREE_OF_RATIO = 64_000
MAX_NAME = 300
MAX_LIST = 4_000_000

_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_LOCAL_HEAD = struct.Struct("<4s5H3I2H")
_CENTRAL_HEAD = struct.Struct("<4s6H3I5H2I")
_END_HEAD = struct.Struct("<4s4H2IH")
_ENCRYPTED, _DESCRIPTOR, _UTF8 = 1, 8, 1 << 11
#: How hard it was packed, and nothing else, may be said besides.
_FLAGS = _DESCRIPTOR | _UTF8 | 0b110
_STORED, _DEFLATED = 0, 8
_ZIP64, _OTHER_NAME = 0x0001, 0x7075
#: Of no file in particular: the oldest time that a zip file can say.
_TIME = (1980, 1, 1, 0, 0, 0)
_PIECE = 1 << 20
#: Bytes: no usual file system has longer names.
_LONGEST_PART = 255
#: No file can have these names on Windows, whatever their ending.
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{number}" for port in ("COM", "LPT") for number in range(1, 10))}


class BundleError(TwinseedError):
    """A file that is no bundle, or no honest one; or a bundle that cannot be written."""


@dataclass(frozen=True)
class Entry:
    """A file in an archive: where its head begins, and how many bytes it has, packed and unpacked."""

    name: str
    offset: int
    packed: int
    size: int
    crc: int
    method: int
    flags: int


class Archive:
    """The zip file in the open `file`; `name` is what errors call it. Raises `BundleError`."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self.entries = {entry.name: entry for entry in self._read_list()}

    def unpack(self, entry: Entry, path: Path) -> None:
        """Writes what is in an entry to `path`, which must not be there. Raises `BundleError` and `OSError`."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as target:
            for piece in self._pieces(entry):
                target.write(piece)

    def read(self, entry: Entry, most: int) -> bytes:
        """What is in an entry. Raises `BundleError`, for more than `most` bytes too."""
        if entry.size > most:
            raise self._refused(Clause("{entry} has more than {most:,} bytes", entry=entry.name, most=most))
        return b"".join(self._pieces(entry))

    def _refused(self, fault: Clause) -> BundleError:
        return refused(self._name, fault)

    def _at(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        content = self._file.read(length)
        if len(content) < length:
            raise self._refused(Clause("it is cut off"))
        return content

    def _read_list(self) -> Iterator[Entry]:
        """All entries, each looked at in the list, and in its place."""
        start, size, count = self._end()
        if count > MAX_ENTRIES:
            raise self._refused(
                Clause("it has {count:,} entries; a bundle has at most {most:,}", count=count, most=MAX_ENTRIES)
            )
        if size > MAX_LIST:
            raise self._refused(Clause("its list of entries has more than {most:,} bytes", most=MAX_LIST))
        content = self._at(start, size)
        entries, position = list[Entry](), 0
        for _ in range(count):
            entry, position = self._listed(content, position)
            entries.append(entry)
        if position != size:
            raise self._refused(Clause("its list of entries has bytes that belong to none of them"))
        seen = set[str]()
        for entry in entries:
            if (alike := _alike(entry.name)) in seen:
                raise self._refused(Clause("{entry} is in it twice", entry=entry.name))
            seen.add(alike)
        total = sum(entry.size for entry in entries)
        if total > MAX_TOTAL:
            raise self._refused(
                Clause("it unpacks to {total:,} bytes; a bundle has at most {most:,}", total=total, most=MAX_TOTAL)
            )
        position = 0
        for entry in sorted(entries, key=lambda one: one.offset):
            if entry.offset != position:
                raise self._refused(
                    Clause(
                        "{entry} overlaps another entry"
                        if entry.offset < position
                        else "before {entry} there are bytes that belong to no entry",
                        entry=entry.name,
                    )
                )
            position = self._require_head(entry)
        if position != start:
            raise self._refused(Clause("there are bytes before its list that belong to no entry"))
        yield from entries

    def _end(self) -> tuple[int, int, int]:
        """Where the list of entries begins, how long it is and how many they are."""
        self._file.seek(0, 2)
        length = self._file.tell()
        if length > MAX_TOTAL:
            raise self._refused(Clause("it has more than {most:,} bytes", most=MAX_TOTAL))
        if length < _END_HEAD.size or self._at(0, 4) not in (_LOCAL, _END):
            raise self._refused(Clause("it is no zip file"))
        end = self._at(length - _END_HEAD.size, _END_HEAD.size)
        mark, disk, disk_of_list, on_disk, count, size, start, comment = _END_HEAD.unpack(end)
        if mark != _END or comment:
            raise self._refused(
                Clause("it does not end where its list of entries ends: it is cut off, or something follows")
            )
        if disk or disk_of_list or on_disk != count:
            raise self._refused(Clause("it is one part of several"))
        if count == 0xFFFF or 0xFFFFFFFF in (size, start):
            raise self._refused(Clause("it is in the format for files of more than 4 GB"))
        if start + size != length - _END_HEAD.size:
            raise self._refused(Clause("its list of entries is not where it says"))
        return start, size, count

    def _listed(self, content: bytes, position: int) -> tuple[Entry, int]:
        """The entry at that place of the list, and where the next one begins."""
        if len(content) - position < _CENTRAL_HEAD.size:
            raise self._refused(Clause("its list of entries is cut off"))
        head = _CENTRAL_HEAD.unpack_from(content, position)
        mark, _, _, flags, method, _, _, crc, packed, size, name_length, extra, comment, disk, _, rights, offset = head
        position += _CENTRAL_HEAD.size
        raw = content[position : position + name_length]
        extras = content[position + name_length : position + name_length + extra]
        position += name_length + extra + comment
        if mark != _CENTRAL or position > len(content):
            raise self._refused(Clause("its list of entries is cut off"))
        name = self._decoded(raw, flags)
        self._require_plain(name, flags, method, rights, disk)
        self._require_extras(name, extras)
        if method == _STORED and packed != size:
            raise self._refused(Clause("{entry} says two different sizes", entry=name))
        if size > FREE_OF_RATIO + MAX_RATIO * packed:
            raise self._refused(
                Clause("{entry} unpacks to {size:,} bytes out of {packed:,}", entry=name, size=size, packed=packed)
            )
        return Entry(name, offset, packed, size, crc, method, flags), position

    def _decoded(self, raw: bytes, flags: int) -> str:
        try:
            name = raw.decode("utf-8" if flags & _UTF8 else "ascii")
        except UnicodeDecodeError:
            shown = raw[:60].decode("utf-8", "backslashreplace")
            raise self._refused(
                Clause("the name {name!r} is in an encoding that it does not say", name=shown)
            ) from None
        if fault := name_fault(name):
            raise refused(self._name, fault)
        return name

    def _require_plain(self, name: str, flags: int, method: int, rights: int, disk: int) -> None:
        """A plain file, as it is packed everywhere."""
        if flags & _ENCRYPTED:
            raise self._refused(Clause("{entry} is encrypted", entry=name))
        if flags & ~_FLAGS or method not in (_STORED, _DEFLATED) or disk:
            raise self._refused(Clause("{entry} is packed in a way that no bundle is", entry=name))
        kind = stat.S_IFMT(rights >> 16)
        if kind == stat.S_IFLNK:
            raise self._refused(Clause("{entry} is a link", entry=name))
        if kind not in (0, stat.S_IFREG):
            raise self._refused(Clause("{entry} is not a plain file", entry=name))

    def _require_extras(self, name: str, extras: bytes) -> None:
        """Times and rights may be said besides; other sizes and other names may not."""
        position = 0
        while position < len(extras):
            kind, length = struct.unpack_from("<2H", extras.ljust(position + 4, b"\0"), position)
            position += 4 + length
            if position > len(extras):
                raise self._refused(Clause("{entry} says more of itself than there is", entry=name))
            if kind == _ZIP64:
                raise self._refused(Clause("it is in the format for files of more than 4 GB"))
            if kind == _OTHER_NAME:
                raise self._refused(Clause("{entry} has a second name", entry=name))

    def _require_head(self, entry: Entry) -> int:
        """Holds what stands before an entry against the list, and returns where the next one must begin."""
        head = _LOCAL_HEAD.unpack(self._at(entry.offset, _LOCAL_HEAD.size))
        mark, _, flags, method, _, _, crc, packed, size, name_length, extra = head
        position: int = entry.offset + _LOCAL_HEAD.size + name_length + extra + entry.packed
        raw = self._at(entry.offset + _LOCAL_HEAD.size, name_length)
        later = bool(flags & _DESCRIPTOR)
        said, listed = (crc, packed, size), (entry.crc, entry.packed, entry.size)
        if (
            mark != _LOCAL
            or (flags, method) != (entry.flags, entry.method)
            or raw != entry.name.encode()
            or (said != listed and not (later and said == (0, 0, 0)))
        ):
            raise self._refused(Clause("{entry} is another one in its place than in the list", entry=entry.name))
        self._require_extras(entry.name, self._at(entry.offset + _LOCAL_HEAD.size + name_length, extra))
        if not later:
            return position
        told = struct.pack("<3I", *listed)
        for descriptor in (b"PK\x07\x08" + told, told):
            if self._at(position, len(descriptor)) == descriptor:
                return position + len(descriptor)
        raise self._refused(Clause("{entry} is another one in its place than in the list", entry=entry.name))

    def _pieces(self, entry: Entry) -> Iterator[bytes]:
        """What is in an entry, piece by piece, and never more than it said."""
        name_length, extra = struct.unpack("<2H", self._at(entry.offset + 26, 4))
        position = entry.offset + _LOCAL_HEAD.size + name_length + extra
        unpacked, crc = 0, 0
        for piece in self._inflated(entry, position) if entry.method == _DEFLATED else self._stored(entry, position):
            unpacked += len(piece)
            crc = zlib.crc32(piece, crc)
            if unpacked > entry.size:
                raise self._refused(Clause("{entry} unpacks to more than it says", entry=entry.name))
            yield piece
        if (unpacked, crc) != (entry.size, entry.crc):
            raise self._refused(Clause("{entry} is damaged", entry=entry.name))

    def _stored(self, entry: Entry, position: int) -> Iterator[bytes]:
        for at in range(0, entry.packed, _PIECE):
            yield self._at(position + at, min(_PIECE, entry.packed - at))

    def _inflated(self, entry: Entry, position: int) -> Iterator[bytes]:
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for packed in self._stored(entry, position):
                while packed and not inflate.eof:
                    yield inflate.decompress(packed, _PIECE)
                    packed = inflate.unconsumed_tail
                if inflate.eof and (packed or inflate.unused_data):
                    raise self._refused(Clause("{entry} ends before its bytes do", entry=entry.name))
            while not inflate.eof and (piece := inflate.decompress(inflate.unconsumed_tail, _PIECE)):
                yield piece
        except zlib.error:
            raise self._refused(Clause("{entry} is damaged", entry=entry.name)) from None
        if not inflate.eof:
            raise self._refused(Clause("{entry} is damaged", entry=entry.name))


def open_archive(path: Path) -> BinaryIO:
    """The file, open for `Archive`. Raises `BundleError` where there is none, or where it is no plain file."""
    try:
        require_plain_file(path)
        return path.open("rb")
    except OSError as error:
        raise BundleError(
            "cannot read {path}: {reason}",
            hint="check the name and who may read it",
            path=path,
            reason=error.strerror or str(error),
        ) from error


@contextmanager
def write_archive(path: Path, files: Iterable[tuple[str, bytes]], *, stored: tuple[str, ...]) -> Iterator[Archive]:
    """Writes a zip file, whole or not at all: it is at `path` when the block ends, which has it to read, and what was
    there before stays until then. Names that end as one of `stored` are not packed, the others are; equal files give
    equal bytes. Raises `BundleError`, also for what could not be read again.
    """
    partial = path.with_name(f".partial-{path.name}")
    try:
        with partial.open("w+b") as target:
            with zipfile.ZipFile(target, "w") as archive:
                for name, content in files:
                    entry = zipfile.ZipInfo(name, _TIME)
                    entry.create_system, entry.external_attr = 3, 0o100644 << 16
                    entry.compress_type = zipfile.ZIP_STORED if name.endswith(stored) else zipfile.ZIP_DEFLATED
                    archive.writestr(entry, content)
            target.flush()
            os.fsync(target.fileno())
            try:
                yield Archive(target, path.name)
            except BundleError as error:
                raise BundleError(
                    "{path} cannot be handed in: {fault}",
                    hint="hand in fewer concepts or seeds at once",
                    path=path,
                    fault=error,
                ) from error
        partial.replace(path)
    except OSError as error:
        raise BundleError(
            "cannot write {path}: {reason}",
            hint="check the name, and whether there is room",
            path=path,
            reason=error.strerror or str(error),
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink()


def refused(name: str, fault: Clause) -> BundleError:
    """Why the file of that name is not taken."""
    return BundleError(
        "{name} is refused: {fault}",
        hint="hand in the file as `twinseed homework` wrote it, not packed again by another program",
        name=name,
        fault=fault,
    )


def name_fault(name: str) -> Clause | None:
    """Why a file in an archive may not have that name; None where it may, on every system."""
    if not name or len(name) > MAX_NAME:
        return Clause("an entry has no name, or one that is too long")
    if not all(letter.isprintable() for letter in name):
        return Clause("the name {name!r} has characters that nobody can see", name=name)
    if name != unicodedata.normalize("NFC", name):
        return Clause("the name {name!r} is not in its usual Unicode form", name=name)
    if any(mark in name for mark in '\\:*?"<>|') or not all(map(_is_plain, name.split("/"))):
        return Clause("the name {name!r} leads out of the bundle, or would on some computers", name=name)
    return None


def _is_plain(part: str) -> bool:
    stem = part.partition(".")[0].rstrip().upper()
    plain = bool(part) and part[0] not in ".~ " and part[-1] not in ". " and stem not in _DEVICES
    return plain and len(part.encode()) <= _LONGEST_PART


def _alike(name: str) -> str:
    """What two names have in common that are one on some systems."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
