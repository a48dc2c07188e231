"""Where files lie is nobody's business."""

import pytest

from api_service.http.paths import without_folders


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("/srv/har/var/serving.json is damaged.", "serving.json is damaged."),
        ("[Errno 28] No space left on device: '/srv/har/x.parquet'", "[Errno 28] No space left on device: 'x.parquet'"),
        ('File "/srv/har/training/fit.py", line 3', 'File "fit.py", line 3'),
        ("There is no model in /srv/har/models/tiny@1.", "There is no model in tiny@1."),
        ("GET /api/v1/models names them.", "GET /api/v1/models names them."),
        ("See https://example.org/a/b, 3/4 of them, and/or recipes/mine.toml.",) * 2,
    ],
)
def test_folders_are_taken_off_and_all_else_stays(text, told):
    assert without_folders(text) == told


def test_the_state_folder_may_have_spaces(use_setting):
    use_setting("HOME", "/srv/my files/var")
    assert without_folders("/srv/my files/var/serving.json is damaged.") == "serving.json is damaged."
