"""The forms for reports: valid, and the one for bugs asks for what the program says of itself."""

from __future__ import annotations

from pathlib import Path

import yaml

FORMS = sorted((Path(__file__).parent.parent / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


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
