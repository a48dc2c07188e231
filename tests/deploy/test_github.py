"""What GitHub reads is of the form that it wants, and runs what there is."""

import os
import subprocess
import sys

import pytest
import yaml

from har_core.config import PROJECT_ROOT

FOLDER = PROJECT_ROOT / ".github"
SCHEMAS = {
    "workflows/ci.yml": "vendor.github-workflows",
    "ISSUE_TEMPLATE/bug.yml": "vendor.github-issue-forms",
    "ISSUE_TEMPLATE/idea.yml": "vendor.github-issue-forms",
    "ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
}


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_each_file_is_of_its_form(name, schema):
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, FOLDER / name]
    found = subprocess.run(command, check=False, capture_output=True, text=True)
    assert found.returncode == 0, found.stdout


def test_the_workflow_runs_what_ci_is_and_knows_no_secret():
    text = (FOLDER / "workflows" / "ci.yml").read_text()
    (job,) = yaml.safe_load(text)["jobs"].values()
    assert {"run": ".ci/run"} in job["steps"]
    assert os.access(PROJECT_ROOT / ".ci" / "run", os.X_OK)
    assert "secrets" not in text
