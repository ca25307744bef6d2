"""Portable records: what of a record is passed on. Whoever made it may have named models by their paths."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from compare.instruments import Findings
from compare.request import PairRequest
from compare.runs.record import Record, checked_record
from generate.files import settings_without_folders, without_folder
from generate.picture import Certificate

#: A path that begins at the root, at a drive or at home, up to its last part. Addresses on the web are none.
_FOLDERS = re.compile(
    r"""(?<![\w/\\.:~])(?:[A-Za-z]:[\\/]|\\\\|~[\\/]|/)(?:[^\s/\\"'“”‘’「」『』()\[\]<>|,;:，；：]+[\\/])+""",
    re.VERBOSE,
)
#: A server that only this computer or its network knows, with its scheme and port.
_ADDRESSES = re.compile(
    r"""(?<![\w.@-])(?:https?://)?
    (?:localhost|(?:127|10)(?:\.\d{1,3}){3}|192\.168(?:\.\d{1,3}){2}|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}
       |\[[0-9a-f:]*:[0-9a-f:]*\]|[\w-]+(?:\.[\w-]+)*\.(?:local|lan|internal|home|localdomain))
    (?::\d{1,5})?(?![\w.-]*\w)""",
    re.VERBOSE | re.IGNORECASE,
)


def without_folders(record: Record) -> tuple[Record, tuple[str, ...]]:
    """The record with every name alone that was a path where it was made, and these names.

    The pictures say the same: they have names alone from the start. What people typed stays as it is: concept, prompts
    and observations. A record that names no path stays as it is, byte by byte.
    """
    shortened = dict[str, None]()

    def alone(name: str) -> str:
        rest = without_folder(name)
        if rest != name:
            shortened[rest] = None
        return rest

    for name in (record.settings.model, record.settings.vae, *(one.name for one in record.settings.adapters)):
        alone(name or "")
    prompts = replace(
        record.prompts,
        llm_model=_maybe(alone, record.prompts.llm_model),
        warnings=tuple(map(text_without_folders, record.prompts.warnings)),
    )
    content = {name: getattr(record, name) for name in Record.model_fields} | {
        "request": _request(record.request, alone),
        "prompts": prompts,
        "settings": settings_without_folders(record.settings),
        "certificate": _certificate(record.certificate, alone),
        "findings": None if record.findings is None else _findings(record.findings, alone),
    }
    return checked_record(**content), tuple(shortened)


def text_without_folders(text: str) -> str:
    """A note or an error without the folders that it names, of which the last part of each path stays, and without
    addresses of this computer and its network.

    >>> text_without_folders("of /home/me/models/mine.ckpt, 3 tensors were left unread; see https://example.org/a/b")
    'of mine.ckpt, 3 tensors were left unread; see https://example.org/a/b'
    """
    home = os.path.expanduser("~")
    if len(home) > 1:  # with a space in it, the pattern stops short
        text = text.replace(home + os.sep, "~" + os.sep)
    return _FOLDERS.sub("", _ADDRESSES.sub("a local server", text))


def _request(request: PairRequest, alone: Callable[[str], str]) -> PairRequest:
    examination = request.examination
    return replace(
        request,
        settings=settings_without_folders(request.settings),
        template=_maybe(alone, request.template),
        llm_model=_maybe(alone, request.llm_model),
        examination=replace(
            examination,
            clip=alone(examination.clip),
            options={
                name: {key: alone(value) if isinstance(value, str) else value for key, value in options.items()}
                for name, options in examination.options.items()
            },
        ),
    )


def _certificate(certificate: Certificate, alone: Callable[[str], str]) -> Certificate:
    return replace(
        certificate,
        adapters=_keys_alone(certificate.adapters, alone),
        makes=_keys_alone(certificate.makes, alone),
    )


def _keys_alone(named: Mapping[str, Any], alone: Callable[[str], str]) -> dict[str, Any]:
    """Two files of one name in two folders keep both: the second has a number."""
    found = dict[str, Any]()
    for name, value in named.items():
        short = alone(name)
        free = (short, *(f"{short} ({number})" for number in range(2, len(named) + 2)))
        found[next(one for one in free if one not in found)] = value
    return found


def _findings(findings: Findings, alone: Callable[[str], str]) -> Findings:
    changed: dict[str, Any] = {"notes": tuple(map(text_without_folders, findings.notes))}
    if findings.clip is not None:
        changed["clip"] = findings.clip.model_copy(update={"name": alone(findings.clip.name)})
    blind = findings.results.get("blind")
    if blind is not None:
        named = getattr(blind, "llm_model", None)
        changed["blind"] = blind.model_copy(update={"llm_model": _maybe(alone, named)})
    return findings.model_copy(update=changed)


def _maybe(alone: Callable[[str], str], name: str | None) -> str | None:
    return None if name is None else alone(name)
