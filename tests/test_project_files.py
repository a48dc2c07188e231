"""What a project's readers look for: how good it is, whom to cite, whose work is in it, under which licence."""

import re
import subprocess
import sys
import tomllib

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.testing import CliRunner

from har_cli.main import app
from har_core.bundle import Bundle
from har_core.config import PROJECT_ROOT
from tools.collect_notices import NOTICES, LicenceUnknown, licence

CITATION = PROJECT_ROOT / "CITATION.cff"


@pytest.mark.parametrize("folder", sorted((PROJECT_ROOT / "models").glob("*@*")), ids=lambda folder: folder.name)
def test_the_readme_has_the_figures_of_the_models_that_ship(folder):
    info = Bundle(folder).info
    rows = (PROJECT_ROOT / "README.md").read_text("utf-8").splitlines()
    row = next(row for row in rows if row.startswith(f"| [`{info.name}`](docs/models/{info.name}/card.md) |"))
    photos, *figures = [cell.strip() for cell in row.split("|")[2:-1]]
    judged = info.evaluation
    assert photos == str(judged.n)
    assert set(figures) == {str(figure) for figure in [*judged.metrics.values(), judged.outliers.unsure_share]}


@pytest.mark.usefixtures("home")
def test_the_readme_shows_what_the_command_says(monkeypatch):
    shown = re.findall(r"^har_ui/.*\.jpg: .*", (PROJECT_ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    monkeypatch.chdir(PROJECT_ROOT)
    said = CliRunner().invoke(app, ["predict", "har_ui/assets/examples"]).stdout.splitlines()
    # Another processor may round in another way; the answers themselves are the same.
    assert [re.sub(r"\d+%.*", "", line) for line in shown] == [re.sub(r"\d+%.*", "", line) for line in said]


def test_citation_is_valid_and_of_this_version():
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format"]
    checked = subprocess.run([*command, CITATION], check=False, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    said = yaml.safe_load(CITATION.read_text("utf-8"))
    assert (str(said["version"]), said["license"]) == (project["version"], project["license"])


def test_changelog_has_this_version():
    version = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert f"## [{version}]" in (PROJECT_ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-cluster.txt"])
def test_notices_name_every_package_that_is_needed(file):
    notices = NOTICES.read_text("utf-8")
    named = {canonicalize_name(row.split("]")[0].removeprefix("| [")) for row in notices.splitlines() if "| [" in row}
    lines = [line.partition("#")[0].strip() for line in (PROJECT_ROOT / file).read_text("utf-8").splitlines()]
    needed = {canonicalize_name(Requirement(line).name) for line in lines if line}
    assert needed
    assert needed <= named, "run: make notices"


@pytest.mark.parametrize(
    ("stated", "text", "found"),
    [
        ("MIT License", "", "MIT"),
        ("Apache Software License; MIT License", "", "Apache-2.0 AND MIT"),
        ("Apache-2.0 OR BSD-3-Clause", "", "Apache-2.0 OR BSD-3-Clause"),
        ("UNKNOWN", "Copyright.\n\nPermission is hereby granted, free of charge, to any person", "MIT"),
    ],
)
def test_licences_get_one_name(stated, text, found):
    assert licence(stated, text) == found


@pytest.mark.parametrize(
    "stated", ["UNKNOWN", "GNU Affero General Public License v3", "GPL-3.0", "MIT AND AGPL-3.0-only"]
)
def test_a_licence_that_nobody_looked_at_is_refused(stated):
    with pytest.raises(LicenceUnknown):
        licence(stated, "All rights reserved.")
