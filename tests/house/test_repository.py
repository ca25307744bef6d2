"""What stands beside the program: forms for reports, and the recipe of the container, which cannot be run here."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def test_the_forms_are_forms() -> None:
    forms = {form.stem: yaml.safe_load(form.read_text(encoding="utf-8")) for form in FORMS}
    assert {"bug", "idea", "words", "config"} == set(forms)
    del forms["config"]
    for name, form in forms.items():
        assert set(form) == {"name", "description", "labels", "body"}, name
        names = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert len(names) == len(set(names)), name
        for part in form["body"]:
            assert part["type"] in {"markdown", "textarea", "dropdown"}
            assert part["attributes"].get("value" if part["type"] == "markdown" else "label"), name
    version = next(part for part in forms["bug"]["body"] if part.get("id") == "version")
    assert version["attributes"]["label"] == "`twinseed --version`"
    assert version["validations"]["required"]


def test_the_container_gets_what_the_package_is_built_from() -> None:
    kept = {line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert all((ROOT / name).exists() for name in kept)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = {name.strip("/") for name in project["tool"]["hatch"]["build"]["targets"]["wheel"]["include"]}
    needed |= {"pyproject.toml", "constraints.txt", project["project"]["readme"], *project["project"]["license-files"]}
    assert needed <= kept


def test_the_container_runs_the_page_behind_a_password_and_not_as_root() -> None:
    recipe = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    user, command = recipe.index("\nUSER twinseed"), recipe.index("\nCMD [")
    assert user < command
    assert "\nUSER root" not in recipe
    assert re.search(r'^CMD \["twinseed", "page", "--host", "0\.0\.0\.0"', recipe, flags=re.MULTILINE)
    assert "ENV TWINSEED_PAGE_PASSWORD" not in recipe, "whoever starts it chooses one"
