"""What Twinseed is built from: that every package is pinned, under a licence that allows it, and without known holes.

    python benchmarks/hardening/supply.py [--write docs/security.md] [--licences docs/licences.md]

Advisories are asked for with pip-audit (`pip install pip-audit`), which needs the network; where either is missing, the
table says that they were not asked for. `--licences` writes the list of packages and licences anew.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from benchmarks.hardening.table import REPOSITORY, Table, arguments

CONSTRAINTS = REPOSITORY / "constraints.txt"
#: Words of licences under which a package may be used beside a program under Apache 2.0 and handed on with it; under
#: the Lesser GPL as a library of its own that is imported as it is.
ALLOWED = re.compile(
    r"Apache|\bMIT\b|BSD|ISC|PSF|Python Software Foundation|MPL|Mozilla|Zlib|CC0|BSL-1\.0|CNRI|Lesser General Public"
)
FORBIDDEN = re.compile(r"\b(A?GPL|SSPL|proprietary|non-?commercial)", re.IGNORECASE)


@dataclass(frozen=True)
class Package:
    name: str
    version: str
    licence: str


def pinned() -> dict[str, str]:
    """Names and versions of the constraints."""
    lines = CONSTRAINTS.read_text(encoding="utf-8").splitlines()
    return {_plain(name): version for name, _, version in (line.partition("==") for line in lines) if version}


def needed() -> list[Package]:
    """What `twinseed` and its development extra need, with all that these need, as far as it is installed."""
    found: dict[str, Package] = {}
    todo = [("twinseed", frozenset({"dev"}))]
    while todo:
        name, extras = todo.pop()
        if name in found:
            continue
        try:
            one = distribution(name)
        except PackageNotFoundError:
            continue  # for another system or another Python
        found[name] = Package(name, one.version, licence_of(one))
        for line in one.requires or []:
            requirement, _, marker = line.partition(";")
            wanted = re.search(r"extra\s*==\s*['\"]([^'\"]+)", marker)
            if wanted is None or wanted[1] in extras:
                parts = re.match(r"\s*([\w.-]+)\s*(?:\[([^\]]*)\])?", requirement)
                assert parts is not None
                todo.append((_plain(parts[1]), frozenset(filter(None, (parts[2] or "").split(",")))))
    del found["twinseed"]
    return sorted(found.values(), key=lambda package: package.name)


def licence_of(one: Distribution) -> str:
    """What the package says of its licence: by its expression, else its classifiers, else its own words, else the first
    line of the licence that comes with it."""
    said = one.metadata
    classifiers = [entry.split(" :: ")[-1] for entry in said.get_all("Classifier", []) if entry.startswith("License")]
    own = str(said.get("License") or "").strip()
    if not own:
        own = next(
            filter(None, map(one.read_text, (f"licenses/{name}" for name in said.get_all("License-File", [])))), ""
        )
    return said.get("License-Expression") or "; ".join(classifiers) or own.strip().split("\n")[0][:80]


def advisories(table: Table) -> None:
    kind = "packages with a known hole (pip-audit)"
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--no-deps", "--disable-pip", "-r"]
    done = subprocess.run([*command, str(CONSTRAINTS)], capture_output=True, text=True, check=False, timeout=600)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (json.JSONDecodeError, KeyError):
        last = (done.stderr.strip() or "no answer").splitlines()[-1]
        print(f"advisories were not asked for: {last[:200]}", file=sys.stderr)
        table.rows[f"{kind}: **not asked**, pip-audit or its network is missing"] = type(table.rows["pinned"])()
        return
    for package in packages:
        holes = ", ".join(hole["id"] for hole in package.get("vulns", []))
        table.add(kind, f"{package['name']} {package.get('version', '')}: {holes}" if holes else "")


def licences(packages: list[Package]) -> str:
    lines = [
        "# Licences of what Twinseed is built from",
        "",
        "As each package itself says. Written by `python benchmarks/hardening/supply.py --licences docs/licences.md`.",
        "",
        "| package | version | licence |",
        "| --- | --- | --- |",
        *(f"| {package.name} | {package.version} | {package.licence} |" for package in packages),
    ]
    return "\n".join(lines) + "\n"


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> int:
    parser = arguments(__doc__)
    parser.add_argument("--licences", type=Path, metavar="FILE", help="write the list of licences there")
    options = parser.parse_args()
    table, pins, packages = Table("supply"), pinned(), needed()
    for package in packages:
        pin = pins.get(package.name)
        same = pin == package.version.partition("+")[0]
        table.add("pinned", "" if same else f"{package.name} {package.version}, pinned is {pin}")
        allowed = ALLOWED.search(package.licence) and not FORBIDDEN.search(package.licence)
        table.add("licence allows it", "" if allowed else f"{package.name}: {package.licence or 'says nothing'}")
    listed = (REPOSITORY / "docs" / "licences.md").read_text(encoding="utf-8") if not options.licences else ""
    if options.licences:
        options.licences.write_text(listed := licences(packages), encoding="utf-8")
    for package in packages:
        line = f"| {package.name} | {package.version} | {package.licence} |"
        table.add(
            "licence is listed in docs/licences.md", "" if line in listed else f"{package.name} {package.version}"
        )
    advisories(table)
    return table.finish("python benchmarks/hardening/supply.py --write docs/security.md", options.write)


if __name__ == "__main__":
    sys.exit(main())
