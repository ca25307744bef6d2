"""Zip files that nobody would hand in who means well, made of a good bundle: with `zipfile`, and byte by byte."""

from __future__ import annotations

import io
import json
import stat
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

CENTRAL, END = b"PK\x01\x02", b"PK\x05\x06"
Changed = Callable[[dict[str, Any]], object]


@dataclass(frozen=True)
class Hostile:
    """What is wrong with it, its bytes, and words of the refusal."""

    name: str
    content: bytes
    refusal: str


def hostile_zips(good: bytes) -> Iterator[Hostile]:
    """One file of each kind, made of the bundle with the bytes `good`."""
    run = next(name.split("/")[1] for name in zipfile.ZipFile(io.BytesIO(good)).namelist() if name.startswith("runs/"))

    def added(name: str, content: bytes = b"x", **about: Any) -> bytes:
        return with_entries(good, [(name, content, about)])

    yield from _names(good, added, run)
    yield from _kinds(added)
    yield from _bombs(good, added)
    yield from _places(good)
    yield from _heads(good, added)
    yield from _contents(good, run)


def _names(good: bytes, added: Callable[..., bytes], run: str) -> Iterator[Hostile]:
    for name in (
        *("../out.png", "runs/../../out.png", "/etc/out.png", "C:/out.png", "C:out.png", "\\\\server\\out.png"),
        *("runs\\out.png", "~/out.png", "//server/out.png", "runs//out.png", "runs/./out.png", ".htaccess"),
        *("runs/NUL.png", "runs/con", "runs/out.png.", "runs/out ", "runs/out?.png", "runs/", f"runs/{'x' * 256}"),
    ):
        yield Hostile(f"the name {name!r:.40}", added(name), "leads out of the bundle")
    for name in ("run.sh", "script.js", "setup.py", "__MACOSX/report.html", "index.html", f"runs/{run}/page.html"):
        yield Hostile(f"the name {name!r}", added(name), "nothing that a bundle has")
    yield Hostile("another zip", added(f"runs/{run}/inner.zip", good), "nothing that a bundle has")
    yield Hostile("a run that nobody names", added("runs/other/record.json"), "nothing that a bundle has")
    yield Hostile("a picture that no record names", added(f"runs/{run}/other.png"), "no record names")
    for name in ("report.html", "REPORT.html", "Report.HTML", "ｒeport.html"):
        yield Hostile(f"{name} once more", added(name), "is in it twice")
    yield Hostile("a name in another Unicode form", added("runs/cafe\u0301.png"), "not in its usual Unicode form")
    yield Hostile("a name that turns round", added("runs/\u202egnp.exe"), "nobody can see")
    yield Hostile("a name with a control", added("runs/a\x07.png"), "nobody can see")
    yield Hostile("a name in Big5", patched(added("runs/AB.png"), b"runs/AB", b"runs/\xa7\xda"), "in an encoding")
    half = patched(added("runs/é.png"), "runs/é".encode(), b"runs/\xff\xfe")
    yield Hostile("a name in no encoding", half, "in an encoding")
    yield Hostile("a name with an end in it", patched(added("runs/AB.png"), b"runs/AB", b"runs/A\0"), "nobody can see")
    yield Hostile("a name that is too long", added("runs/" + "x/" * 150), "too long")


def _kinds(added: Callable[..., bytes]) -> Iterator[Hostile]:
    for what, kind, refusal in (
        ("a link", stat.S_IFLNK, "is a link"),
        ("a device", stat.S_IFCHR, "is not a plain file"),
        ("a pipe", stat.S_IFIFO, "is not a plain file"),
        ("a socket", stat.S_IFSOCK, "is not a plain file"),
        ("a folder", stat.S_IFDIR, "is not a plain file"),
    ):
        yield Hostile(what, added("report.pdf", b"/etc/passwd", external_attr=(kind | 0o777) << 16), refusal)
    for what, method in (("bzip2", zipfile.ZIP_BZIP2), ("LZMA", zipfile.ZIP_LZMA)):
        yield Hostile(what, added("report.pdf", compress_type=method), "packed in a way that no bundle is")


def _bombs(good: bytes, added: Callable[..., bytes]) -> Iterator[Hostile]:
    entries = [(f"runs/x/{number}.png", b"", {}) for number in range(2001)]
    yield Hostile("two thousand entries more", with_entries(good, entries), "entries; a bundle has at most")
    deflated = {"compress_type": zipfile.ZIP_DEFLATED}
    bomb = added("report.pdf", bytes(20_000_000), **deflated)
    yield Hostile("a bomb", bomb, "unpacks to 20,000,000 bytes")
    lie = heads_patched(bomb, "report.pdf", size=10)
    yield Hostile("a bomb that says it is none", lie, "unpacks to more than it says")
    pieces = [(f"runs/x/{number}.png", bytes(1), {}) for number in range(6)]
    many = with_entries(good, pieces)
    for name, *_ in pieces:
        many = heads_patched(many, name, size=100_000_000, packed=100_000_000)
    yield Hostile("more than there is room for", many, "a bundle has at most")
    large = heads_patched(added("report.pdf"), "report.pdf", size=2**32 - 2, packed=2**32 - 2)
    yield Hostile("four gigabytes that are not there", large, "a bundle has at most")
    entries = [(f"runs/x/{number}.png", b"", {"comment": b"x" * 60_000}) for number in range(80)]
    yield Hostile("a list of five megabytes", with_entries(good, entries), "its list of entries has more than")


def _places(good: bytes) -> Iterator[Hostile]:
    yield Hostile("nothing", b"", "it is no zip file")
    yield Hostile("a page", b"<!doctype html><script>alert(1)</script>" * 9, "it is no zip file")
    yield Hostile("a zip file of nothing", END + bytes(18), "there is no bundle.json in it")
    yield Hostile("cut off at its end", good[:-10], "does not end where its list")
    yield Hostile("cut off in its middle", good[: len(good) // 2], "does not end where its list")
    yield Hostile("something before it", b"#!/bin/sh\necho out\n" + good, "it is no zip file")
    yield Hostile("a zip file before it", good + good, "is not where it says")
    yield Hostile("something behind it", good + b"<script>alert(1)</script>", "does not end where its list")
    comment = b"<script>alert(1)</script>"
    yield Hostile("a comment", good[:-2] + struct.pack("<H", len(comment)) + comment, "does not end where its list")
    yield Hostile("a gap before its list", _moved(good, b"PK\x07\x08" + bytes(40)), "before its list")
    yield Hostile("one part of several", good[:-18] + struct.pack("<H", 1) + good[-16:], "one part of several")
    yield Hostile("the end of a large file", good[:-14] + b"\xff\xff\xff\xff" + good[-10:], "files of more than 4 GB")
    whole = bytearray(good)
    whole[-14:-10] = whole[-12:-10] * 2
    whole[-6:-2] = b"\xff" * 4
    yield Hostile("a list beyond four gigabytes", bytes(whole), "files of more than 4 GB")
    names = zipfile.ZipFile(io.BytesIO(good)).namelist()
    overlapping = heads_patched(good, names[-1], offset=_offset(good, names[0]), local=False)
    yield Hostile("two entries in one place", overlapping, "overlaps another entry")
    whole = bytearray(good)
    whole[_central(good, names[1]) : _central(good, names[1]) + 4] = b"PK\x01\x03"
    yield Hostile("a broken list", bytes(whole), "its list of entries is cut off")


def _heads(good: bytes, added: Callable[..., bytes]) -> Iterator[Hostile]:
    name = "report.html"
    for what, changes, refusal in (
        ("encrypted", {"flags": 1}, "is encrypted"),
        ("strongly encrypted", {"flags": 1 | 1 << 6}, "is encrypted"),
        ("patched data", {"flags": 1 << 5}, "packed in a way"),
        ("another checksum", {"crc": 7}, "is damaged"),
        ("a smaller size", {"size": 20}, "unpacks to more than it says"),
    ):
        yield Hostile(what, heads_patched(good, name, **changes), refusal)
    differ = "another one in its place than in the list"
    for what, changes in (("another size in its place", {"size": 7}), ("another method in its place", {"method": 0})):
        yield Hostile(what, heads_patched(good, name, central=False, **changes), differ)
    whole = bytearray(good)
    at = _offset(good, name) + 30
    whole[at : at + 6] = b"REPORT"
    yield Hostile("another name in its place", bytes(whole), differ)
    whole[_offset(good, name)] = 0
    yield Hostile("no head in its place", bytes(whole), differ)
    packed = bytearray(good)
    at = _offset(good, "bundle.json") + 30 + len("bundle.json")
    packed[at : at + 4] = b"\xff\xff\xff\xff"
    yield Hostile("spoilt data", bytes(packed), "is damaged")
    for what, extra, refusal in (
        ("sizes of zip64", struct.pack("<2H2Q", 1, 16, 1, 1), "files of more than 4 GB"),
        ("a second name", struct.pack("<2H", 0x7075, 9) + b"\1\0\0\0\0evil", "has a second name"),
        ("more about it than there is", struct.pack("<2H", 0x5455, 60) + b"x", "says more of itself"),
    ):
        yield Hostile(what, added("report.pdf", extra=extra), refusal)


def _contents(good: bytes, run: str) -> Iterator[Hostile]:
    for name in ("bundle.json", "report.html"):
        yield Hostile(f"without {name}", with_entries(good, [], without=(name,)), f"there is no {name} in it")
    for what, change, refusal in (
        ("another version", lambda bundle: bundle.update(version=2), "not of version 1"),
        ("a key of nobody's", lambda bundle: bundle.update(run="rm"), "bundle.json is not valid"),
        ("no runs", lambda bundle: bundle.update(runs=[]), "bundle.json is not valid"),
        ("a run that leads out", lambda bundle: bundle["runs"][0].update(run="../x"), "bundle.json is not valid"),
        ("a run twice", lambda bundle: bundle["runs"].append(bundle["runs"][0]), "a run is named twice"),
        ("a student who turns round", lambda bundle: bundle.update(student={"name": "a\u202eb"}), "nobody can see"),
        ("a student of nothing", lambda bundle: bundle.update(student={}), "bundle.json is not valid"),
        ("a student of two lines", lambda bundle: bundle.update(student={"name": "a\nb"}), "nobody can see"),
    ):
        yield Hostile(what, with_json(good, change), refusal)
    for what, content, refusal in (
        ("half of its JSON", b'{"version": 1', "is not JSON"),
        ("a list for JSON", b"[]", "not of version 1"),
        ("brackets for JSON", b"[" * 500_000, "unpacks to 500,000 bytes"),
        ("much for JSON", json.dumps(list(range(200_000))).encode(), "bundle.json has more than"),
        ("a number for JSON", b"NaN", "is not JSON"),
    ):
        yield Hostile(what, with_entries(good, [("bundle.json", content, {})], without=("bundle.json",)), refusal)


def with_json(good: bytes, change: Changed) -> bytes:
    """The bundle with a changed bundle.json."""
    bundle = json.loads(zipfile.ZipFile(io.BytesIO(good)).read("bundle.json"))
    change(bundle)
    entry = ("bundle.json", json.dumps(bundle).encode(), {})
    return with_entries(good, [entry], without=("bundle.json",))


def with_entries(
    good: bytes, entries: Iterable[tuple[str, bytes, dict[str, Any]]], without: tuple[str, ...] = ()
) -> bytes:
    """The bundle with other entries besides, and without some of its own; all as `zipfile` writes them."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(good)) as source, zipfile.ZipFile(buffer, "w") as target:
        for info in source.infolist():
            if info.filename not in without:
                target.writestr(info, source.read(info))
        for name, content, about in entries:
            info = zipfile.ZipInfo("x", (1980, 1, 1, 0, 0, 0))
            info.filename = name  # as it is: the constructor would mend it
            info.external_attr = 0o100644 << 16
            for key, value in about.items():
                setattr(info, key, value)
            if name == "bundle.json":
                info.compress_type = zipfile.ZIP_DEFLATED
            info.file_size = len(content)
            target.NameToInfo.pop(name, None)  # no warning of a name that is there already
            target.writestr(info, content)
    return buffer.getvalue()


def patched(content: bytes, old: bytes, new: bytes) -> bytes:
    """The bytes with all that are `old` made `new`, which are as many."""
    assert len(old) == len(new)
    return content.replace(old, new)


def heads_patched(
    content: bytes, name: str, *, local: bool = True, central: bool = True, offset: int | None = None, **values: int
) -> bytes:
    """The zip file with other values in the two heads of an entry, or in one of them."""
    whole = bytearray(content)
    at_local, at_central = _offset(content, name), _central(content, name)
    places = {"flags": (6, 8, "<H"), "method": (8, 10, "<H"), "crc": (14, 16, "<I")}
    places |= {"packed": (18, 20, "<I"), "size": (22, 24, "<I")}
    for key, value in values.items():
        in_local, in_central, form = places[key]
        if local:
            struct.pack_into(form, whole, at_local + in_local, value)
        if central:
            struct.pack_into(form, whole, at_central + in_central, value)
    if offset is not None:
        struct.pack_into("<I", whole, at_central + 42, offset)
    return bytes(whole)


def _moved(content: bytes, gap: bytes) -> bytes:
    """The zip file with its list further behind."""
    start = struct.unpack("<I", content[-6:-2])[0]
    return content[:start] + gap + content[start:-6] + struct.pack("<I", start + len(gap)) + content[-2:]


def _offset(content: bytes, name: str) -> int:
    return zipfile.ZipFile(io.BytesIO(content)).getinfo(name).header_offset


def _central(content: bytes, name: str) -> int:
    """Where the entry is in the list: the last of that name."""
    start: int = struct.unpack("<I", content[-6:-2])[0]
    position = found = start
    while content[position : position + 4] == CENTRAL:
        lengths = struct.unpack("<3H", content[position + 28 : position + 34])
        if content[position + 46 : position + 46 + lengths[0]] == name.encode():
            found = position
        position += 46 + sum(lengths)
    return found
