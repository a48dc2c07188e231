"""``har batch``, run as a user does; what it makes in detail is tested in tests/core/batch."""

import csv
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

from tests.cli.conftest import spawned
from tests.conftest import PROJECT_ROOT
from tests.core.batch.photos import photo
from tests.waiting import until


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.png").write_bytes(photo(number))
    (folder / "bad.jpg").write_bytes(b"this is no photo")
    return folder


def test_rows_in_each_format_and_bad_files_named(har, photos, tmp_path):
    for ending in ("jsonl", "csv", "parquet"):
        code, out, err = har("batch", photos, tmp_path / f"out.{ending}")
        assert code == 1
        assert f"out.{ending}: 7 rows, 1 of them errors, by tiny@1" in out
        assert f"{photos}/bad.jpg: The file is not an image." in err
        assert "7 of 7 photos" in err
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["path"] for row in rows] == [str(photos / f"{n}.png") for n in range(6)] + [str(photos / "bad.jpg")]
    assert rows[-1]["error"]["code"] == "not_an_image"
    assert set(rows[0]) == {"path", "label", "confidence", "decision", "predictions", "model"}
    table = parquet.read_table(tmp_path / "out.parquet").to_pylist()
    cells = list(csv.DictReader((tmp_path / "out.csv").open(newline="")))
    labels = [row.get("label") for row in rows]
    assert labels == [row["label"] for row in table] == [cell["label"] or None for cell in cells]
    # As of a prediction of one.
    one = json.loads(har("predict", photos / "0.png", "--json")[1])
    assert rows[0] == one


def test_json_and_nothing_else_and_good_photos_end_well(har, photos, tmp_path):
    code, out, _ = har("batch", f"{photos}/*.png", tmp_path / "out.parquet", "--json", "--top-k", 1)
    found = json.loads(out)
    assert code == 0
    assert found == {
        "output": str(tmp_path / "out.parquet"),
        "rows": 6,
        "failed": 0,
        "errors": {},
        "model": "tiny@1",
        "engine": "local",
        "seconds": found["seconds"],
    }
    assert [len(row) for row in parquet.read_table(tmp_path / "out.parquet")["predictions"].to_pylist()] == [1] * 6


def test_a_table_of_paths(har, photos, tmp_path):
    (photos / "list.csv").write_text("file\n3.png\nnone.png\n1.png\n")
    code, _, err = har("batch", photos / "list.csv", tmp_path / "out.jsonl")
    assert code == 1
    assert "not one column path, but: file" in err
    code, _, err = har("batch", photos / "list.csv", tmp_path / "out.jsonl", "--column", "file")
    assert code == 1
    assert "none.png: There is no such file." in err
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["path"] for row in rows] == ["3.png", "none.png", "1.png"]


@pytest.mark.parametrize("output", ["out.txt", "out", "s3://bucket/out.csv"])
def test_wrong_usage(har, photos, output):
    code, _, err = har("batch", photos, output)
    assert code == 2
    assert ".parquet, .csv, .jsonl" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("nowhere", "{}/a.csv"), "nowhere is no folder"),
        (("{}", "{}/a.csv"), "no photos"),
        (("{}/photos", "{}/a.csv", "--model", "none"), "There is no model none"),
    ],
)
def test_what_cannot_be_done_is_said_in_words(har, photos, tmp_path, arguments, words):
    (tmp_path / "photos" / "bad.jpg").unlink()
    if words == "no photos":
        photos.rename(tmp_path / ".hidden")
    code, _, err = har("batch", *(text.format(tmp_path) for text in arguments))
    assert code == 1
    assert words in err
    assert "Traceback" not in err


@pytest.mark.usefixtures("har")
def test_without_ray_it_says_what_to_install(photos, tmp_path, monkeypatch):
    (tmp_path / "away").mkdir()
    (tmp_path / "away" / "ray.py").write_text("raise ModuleNotFoundError('No module named ray')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "away"))
    code, _, err = spawned("batch", photos, tmp_path / "a.csv", "--engine", "ray")
    assert code == 1
    assert "pip install -r requirements-cluster.txt" in err
    assert "Traceback" not in err


def test_many_bad_files_are_counted(har, tmp_path):
    (tmp_path / "list.csv").write_text("path\n" + "none.jpg\n" * 50)
    code, _, err = har("batch", tmp_path / "list.csv", tmp_path / "out.csv")
    assert code == 1
    assert err.count("no such file") == 20
    assert "50 photos in all gave no answer (50 file_unreadable)" in err


ROWS = 2000


@pytest.fixture
def long(tmp_path, tiny_bundle):
    """Gives what starts a run of some seconds."""
    for number in range(10):
        (tmp_path / f"{number}.png").write_bytes(photo(number, 500) if number else b"nonsense")
    (tmp_path / "list.csv").write_text("path\n" + "".join(f"{number % 10}.png\n" for number in range(ROWS)))
    command = [sys.executable, "-m", "har_cli", "batch", str(tmp_path / "list.csv")]
    started = []

    def start(output: Path, stderr=subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        arguments = [*command, str(output), "--model", str(tiny_bundle.folder)]
        started.append(subprocess.Popen(arguments, cwd=PROJECT_ROOT, stdout=stderr, stderr=stderr))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def rows_in(journal: Path) -> int:
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def test_killed_twice_it_ends_as_if_undisturbed(long, tmp_path):
    whole, output = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    journal = tmp_path / "killed.jsonl.partial"
    assert long(whole).wait(240) == 1
    for _ in range(2):
        before = rows_in(journal)
        process = long(output)
        until(lambda before=before: rows_in(journal) > before, process=process)
        process.kill()
        process.wait()
        assert before < rows_in(journal) < ROWS
    last = long(output, stderr=(tmp_path / "log").open("wb"))
    assert last.wait(240) == 1
    assert "goes on after" in (tmp_path / "log").read_text()
    assert output.read_bytes() == whole.read_bytes()
    assert rows_in(output) == ROWS
    assert [path.name for path in tmp_path.glob("*killed*")] == ["killed.jsonl"]


def test_two_at_once_and_the_way_out(long, tmp_path):
    rows = 100 * ROWS  # So many that it cannot be through before it is stopped.
    (tmp_path / "list.csv").write_text("path\n" + "1.png\n" * rows)
    output = tmp_path / "rows.csv"
    first = long(output, stderr=(tmp_path / "log").open("wb"))
    until(lambda: rows_in(tmp_path / "rows.csv.partial"), process=first)
    first.send_signal(signal.SIGSTOP)  # However long the other takes to begin.
    second = long(output, stderr=(tmp_path / "second").open("wb"))
    assert second.wait(240) == 1
    assert "Another run is at work" in (tmp_path / "second").read_text()
    first.send_signal(signal.SIGINT)
    first.send_signal(signal.SIGCONT)
    assert first.wait(240) == 130
    assert "Stopped. The same command goes on from here." in (tmp_path / "log").read_text()
    assert "Traceback" not in (tmp_path / "log").read_text()
    assert 0 < rows_in(tmp_path / "rows.csv.partial") < rows
    assert not output.exists()


def test_a_terminal_shows_one_line_with_rate_and_rest(long, tmp_path):
    ours, theirs = pty.openpty()
    process = long(tmp_path / "rows.jsonl", stderr=theirs)
    os.close(theirs)
    shown = ""
    while not re.search(rf"\r\S*[\d,]+ of {ROWS:,} photos, [\d.]+/s, 0:\d\d:\d\d left, \d+ failed", shown):
        assert process.poll() is None, shown
        shown += os.read(ours, 100_000).decode()
    os.close(ours)


def test_the_shipped_model_on_real_photos(photos_root, tmp_path):
    """The same answers as one by one, from files of all kinds."""
    photos = sorted((photos_root / "everyday").rglob("*.jpg"))[:20]
    (tmp_path / "list.csv").write_text("path\n" + "".join(f"{path}\n" for path in photos))
    command = [sys.executable, "-m", "har_cli"]
    subprocess.run([*command, "batch", "list.csv", "rows.jsonl"], cwd=tmp_path, check=True, capture_output=True)
    one = subprocess.run([*command, "predict", "--json", *photos], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "rows.jsonl").read_bytes() == one.stdout
