"""A report is one file that needs nothing else, and says what the figures say."""

import dataclasses
import json
import re

import numpy as np
import pytest
from PIL import Image

from har_core.evaluation import judging, metrics, report
from har_core.evaluation.judging import Part
from tests.core.evaluation.conftest import judged, photos_of, random_answers

HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.fixture
def found(tiny, make, tmp_path):
    """A judgement of real files: two mistakes, one label that the model does not know, one file that is gone."""
    pairs = ("red", "red"), ("green", "green"), ("blue", "red"), ("red", "blue"), ("green", "flying"), ("red", "red")
    dataset = make("some", *pairs)
    (tmp_path / "some-5.png").unlink()
    return judging.judge(tiny, dataset, None)


def test_html_needs_nothing_else(found):
    page = report.html(found, report.thumbnails(found))
    markup = re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)
    assert not re.search(r"<(link|iframe|object|embed)\b|(src|href)=\"(?!data:)|@import|url\(", markup)
    assert page.count("data:image/jpeg;base64,") == 2, "both mistakes"
    assert len(re.findall(r"<script[^>]+src", page)) == 0
    assert "tiny@1" in page
    assert "flying (1)" in page
    assert "some-5.png: There is no such file." in page
    assert "carries no list of the photos it has seen" in page


def test_a_photo_that_is_gone_leaves_a_gap(found, tmp_path):
    (tmp_path / "some-2.png").unlink()
    thumbnails = report.thumbnails(found)
    assert list(thumbnails) == [str(tmp_path / "some-3.png")]
    page = report.html(found, thumbnails)
    assert page.count("data:image/jpeg;base64,") == 1
    assert "some-2.png" in page


def test_names_are_never_markup():
    labels = [HOSTILE, "b", "c"]
    some = random_answers(40, 3)
    photos = photos_of(some.truth, labels, path=[f"/x/{HOSTILE.replace('/', '')}{row}.jpg" for row in range(40)])
    photos["source"] = [HOSTILE, "b"] * 20
    hostile = judged(some, labels, photos=photos, dataset="some", unknown={HOSTILE: 1}, unreadable={HOSTILE: HOSTILE})
    page = report.html(hostile, {})
    assert "<img src=x" not in page
    assert page.count("</script>") == report.html(judged(some), {}).count("</script>")


def test_json_holds_all_that_lies_behind_the_figures(found):
    row = report.to_dict(found)
    assert json.loads(json.dumps(row, allow_nan=False)) == row
    assert (row["n"], row["split"], row["accuracy"]["value"]) == (4, "all", 0.5)
    assert set(metrics.FIGURES) <= set(row)
    assert (row["leaked"], row["leaks_known"], row["unknown_labels"]) == (None, False, {"flying": 1})
    assert row["confusion"] == [[1, 0, 1], [0, 1, 0], [1, 0, 0]]
    assert {(pair["truth"], pair["found"], pair["count"]) for pair in row["confused_pairs"]} == {
        ("red", "blue", 1),
        ("blue", "red", 1),
    }
    assert [label["label"] for label in row["per_label"]] == ["red", "green", "blue"]
    assert {(item["label"], item["found"]) for item in row["mistakes"]} == {("red", "blue"), ("blue", "red")}
    assert row["operating_point"]["sure"] == row["operating_point"]["coverage"] * 4
    assert all(name in row for name in ("reliability", "risk_coverage", "slices", "unreadable"))


def test_what_leaked_is_said_apart():
    some = random_answers(30, 3)
    right = dataclasses.replace(some, truth=some.found)
    both = judged(some, leaked=Part(photos_of(right.truth, ["red", "green", "blue"]), right))
    low, high = metrics.wilson(30, 30)
    assert report.summary(both)["leaked"] == {
        "n": 30,
        "accuracy": {"value": 1, "low": pytest.approx(low, abs=1e-4), "high": high},
    }
    assert report.summary(both)["accuracy"]["value"] == pytest.approx(metrics.values(some)["accuracy"], abs=1e-4)
    assert "30 photos leaked" in report.html(both, {})


def test_a_perfect_model_and_a_single_photo_have_a_report():
    some = random_answers(1, 3)
    perfect = dataclasses.replace(some, truth=some.found)
    page = report.html(judged(perfect), {})
    assert "There is none." in page
    assert json.dumps(report.to_dict(judged(perfect)), allow_nan=False)


def test_thumbnails_are_small(found):
    import io

    for payload in report.thumbnails(found).values():
        assert max(Image.open(io.BytesIO(payload)).size) <= 256
    assert np.all([len(payload) < 50_000 for payload in report.thumbnails(found).values()])
