"""What the description promises, asked of a live server by schemathesis in as many ways as there is time for.

For a longer run, give the command below more cases: ``-n 500`` asks some ten thousand times.
"""

import re
import subprocess
import sys
from pathlib import Path

from har_core.config import PROJECT_ROOT
from tests.api.test_jobs import served


def ask(base: str, folder: Path, *options: str) -> str:
    """Runs all checks over all operations, with the same cases each time."""
    command = [
        *(
            sys.executable,
            "-m",
            "schemathesis.cli",
            "--config-file",
            str(Path(__file__).with_name("schemathesis.toml")),
        ),
        *("run", str(PROJECT_ROOT / "docs" / "api" / "openapi.yaml"), "--url", base),
        *("--seed", "1", "-n", "10", "--continue-on-failure"),
    ]
    ran = subprocess.run(
        [*command, "--no-color", *options], cwd=folder, capture_output=True, text=True, check=False, timeout=300
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_the_open_api_does_what_it_promises(made, home, tmp_path):
    made(2)
    with served(home, tmp_path / "log") as client:
        said = ask(str(client.base_url), tmp_path)
    assert int(re.search(r"(\d+) generated", said)[1]) > 500
    assert '"level": "ERROR"' not in (tmp_path / "log").read_text()


def test_the_api_with_keys_does_what_it_promises(made, home, manage, tmp_path):
    made(2)
    manage("migrate", "-v0")
    scopes = [word for scope in ("predict", "feedback", "train", "admin") for word in ("--scope", scope)]
    key = manage("create_key", "tester", *scopes).strip()
    rates = {"HAR_API_KEY_RATE": "100000/minute", "HAR_API_ANONYMOUS_RATE": "100000/minute"}
    with served(home, tmp_path / "log", HAR_API_AUTH="required", **rates) as client:
        ask(str(client.base_url), tmp_path, "--header", f"Authorization: Bearer {key}", "--phases", "coverage")
