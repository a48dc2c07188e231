"""App, API and command line give the same answers on real photos."""

import json
import subprocess
import sys

import httpx
import numpy as np
import pytest

from har_core.config import PROJECT_ROOT
from har_ui import recognition
from har_ui.recognition import Photo
from tests.servers import api


def test_all_three_agree_and_are_right_more_often_than_not(photos_root, everyday, tmp_path):
    folders = {
        "track_bicycle": "cycling",
        "swimming": "swimming",
        "rock_climbing": "climbing",
        "horse_jumping": "riding_horse",
    }
    photos = [path for folder in folders for path in sorted((photos_root / "sports" / folder).iterdir())[:6]]
    command = [sys.executable, "-m", "har_cli", "predict", "--json", *map(str, photos)]
    done = subprocess.run(command, check=True, capture_output=True, cwd=PROJECT_ROOT)
    from_command = [json.loads(line) for line in done.stdout.splitlines()]
    with api(tmp_path / "log") as base:
        files = [("images", (path.name, path.read_bytes())) for path in photos]
        from_api = httpx.post(f"{base}/api/v1/predictions", files=files, timeout=60).json()["results"]
    from_app = [recognition.recognise(Photo(path.name, path.read_bytes()), everyday, 3).to_dict() for path in photos]

    for answers in (from_api, from_app):
        assert [row["label"] for row in answers] == [row["label"] for row in from_command]
        assert [score(row) for row in answers] == [pytest.approx(score(row), abs=1e-6) for row in from_command]
    right = [row["label"] == folders[path.parent.name] for row, path in zip(from_command, photos, strict=True)]
    assert np.mean(right) > 0.5


def score(row) -> list[float]:
    return [item["score"] for item in row["predictions"]]
