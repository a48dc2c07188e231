"""A run that is broken off: the output is that of an undisturbed one, or it is said why not."""

import csv
import io
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from har_core.batch import runs, sources
from har_core.batch.runs import Header
from har_core.batch.scoring import Tally
from har_core.errors import InputUnusable, OutputUnusable, RunChanged
from har_core.files import locked
from tests.bundles import variant
from tests.core.batch.photos import photo

COUNT = 12
NAMES = [f"{'=' * (number == 3)}föto {number:02}.png" for number in range(COUNT)]


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, name in enumerate(NAMES):
        (folder / name).write_bytes(b"nonsense" if number % 5 == 4 else photo(number))
    return folder


@pytest.fixture
def score(photos, tiny, monkeypatch):
    """Scores into a file of that name."""
    monkeypatch.chdir(photos.parent)

    def go(output: str, source: str = "photos", top_k: int = 2, bundle=None, report=lambda *_: None):
        header = Header.of(bundle or tiny.bundle, top_k)
        return runs.run(sources.find(source), Path(output), header, runs.local(tiny, top_k), report)

    return go


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.is_file()}


def test_all_formats_hold_the_same_rows(score, tmp_path):
    for name in ("a.jsonl", "a.csv", "a.parquet"):
        tally, problems = score(f"out/{name}")
        assert (tally, problems.counts) == (Tally(COUNT, 2), Counter(not_an_image=2))
        assert [row["path"] for row in problems.first] == [f"photos/{NAMES[4]}", f"photos/{NAMES[9]}"]
    assert left(tmp_path / "out") == {"a.jsonl", "a.csv", "a.parquet"}
    rows = [json.loads(line) for line in Path("out/a.jsonl").read_text().splitlines()]
    table = parquet.read_table("out/a.parquet").to_pylist()
    cells = list(csv.DictReader(io.StringIO(Path("out/a.csv").read_text())))
    assert [row["path"] for row in rows] == sorted(f"photos/{name}" for name in NAMES)
    assert len(rows) == len(table) == len(cells) == COUNT
    for row, record, cell in zip(rows, table, cells, strict=True):
        assert row["path"] == record["path"] == cell["path"]
        if "error" in row:
            assert record["predictions"] is None
            assert row["error"] == {"code": record["error_code"], "message": record["error_message"]}
            assert row["error"] == {"code": cell["error_code"], "message": cell["error_message"]}
        else:
            assert [row[key] for key in ("label", "confidence", "decision", "predictions")] == [
                record[key] for key in ("label", "confidence", "decision", "predictions")
            ]
            assert record["model"] == cell["model"] == "tiny@1"
            assert (cell["label"], float(cell["confidence"])) == (row["label"], row["confidence"])
            second = row["predictions"][1]
            assert (cell["label_2"], float(cell["confidence_2"])) == (second["label"], second["score"])


def test_names_that_are_formulas_or_no_text(score, photos):
    (photos / "list.csv").write_text(f"path\n{NAMES[3]}\n")
    score("a.csv", "photos/list.csv")
    assert Path("a.csv").read_text().splitlines()[1].startswith("'=föto")
    Path(b"photos/\xff.png".decode(errors="surrogateescape")).write_bytes(photo(1))
    for name in ("b.jsonl", "b.csv", "b.parquet"):
        assert score(name, "photos/\udcff*")[0] == Tally(1, 0)
    assert json.loads(Path("b.jsonl").read_text())["path"] == "photos/\udcff.png"
    assert parquet.read_table("b.parquet")["path"].to_pylist() == ["photos/\\udcff.png"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["jsonl", "csv", "parquet"]), st.lists(st.floats(0, 1), min_size=1, max_size=3), st.binary())
def test_whatever_is_left_of_the_journal_the_output_is_the_same(score, ending, cuts, rubbish):
    whole, again, journal = Path(f"whole.{ending}"), Path(f"again.{ending}"), Path(f"again.{ending}.partial")
    if not whole.exists():
        score(whole)
    if not Path("whole.jsonl").exists():
        score("whole.jsonl")
    lines = Path("whole.jsonl").read_bytes()
    for cut in cuts:
        again.unlink(missing_ok=True)
        begin(score, again)
        # What a power failure leaves may be anything.
        journal.write_bytes(lines[: int(cut * len(lines))] + rubbish.replace(b"{", b""))
        assert score(again)[0] == Tally(COUNT, 2)
        assert again.read_bytes() == whole.read_bytes()


class Stop(Exception):
    pass


def begin(score, output: str | Path) -> None:
    """Leaves a run that is broken off at once."""

    def stop(*_) -> None:
        raise Stop

    with pytest.raises(Stop):
        score(output, report=stop)


def broken_off(score, output: str, rows: int = 5) -> bytes:
    """Leaves a run that was broken off after some rows; gives its journal."""
    begin(score, output)
    score("model.jsonl")
    kept = b"".join(Path("model.jsonl").read_bytes().splitlines(keepends=True)[:rows])
    Path(f"{output}.partial").write_bytes(kept)
    return kept


@pytest.mark.parametrize("output", ["photos/!.jsonl", "link/~.csv"])
@pytest.mark.parametrize("source", ["photos/*", "link/**"])
def test_a_run_does_not_take_its_own_files_for_photos(score, photos, output, source):
    Path("link").symlink_to(photos)
    begin(lambda name, report: score(name, source, report=report), output)
    assert Path(f"{output}.partial.json").exists()
    Path(f"{output}.partial.new").touch()
    assert score(output, source)[0] == Tally(COUNT, 2)


def test_what_is_done_is_told_and_not_done_again(score, monkeypatch):
    broken_off(score, "a.jsonl")
    read = []
    item = sources.Tree.item
    monkeypatch.setattr(sources.Tree, "item", lambda self, path: read.append(path) or item(self, path))
    told = []
    score("a.jsonl", report=lambda tally, total: told.append((tally, total)))
    assert read == [f"photos/{name}" for name in sorted(NAMES)[5:]]
    assert told[0][0].done == 5
    assert told[-1][0] == Tally(COUNT, 2)


def test_other_photos_are_refused(score, photos):
    kept = broken_off(score, "a.jsonl")
    (photos / "a new one.png").write_bytes(photo(1))
    with pytest.raises(RunChanged, match=r"the input now has photos/a new one\.png.*remove a\.jsonl\.partial"):
        score("a.jsonl")
    for path in photos.iterdir():
        if path.name != sorted(NAMES)[0]:
            path.unlink()
    with pytest.raises(RunChanged, match="the input now ends"):
        score("a.jsonl")
    assert Path("a.jsonl.partial").read_bytes() == kept
    assert not Path("a.jsonl").exists()


def test_photos_added_after_those_that_are_done_are_taken_in(score, photos):
    broken_off(score, "a.jsonl")
    (photos / "zzz.png").write_bytes(photo(1))
    assert score("a.jsonl")[0].done == COUNT + 1


def test_another_model_or_option_is_refused(score, tiny_bundle, tmp_path):
    broken_off(score, "a.jsonl")
    with pytest.raises(RunChanged, match="begun with --model tiny@1 and --top-k 2"):
        score("a.jsonl", top_k=1)
    with pytest.raises(RunChanged, match="--model tiny@1 and"):
        score("a.jsonl", bundle=variant(tiny_bundle, tmp_path / "other", version=2))
    with pytest.raises(RunChanged, match="tiny@1 as it was then"):
        score("a.jsonl", bundle=variant(tiny_bundle, tmp_path / "changed", temperature=2.0))
    Path("a.jsonl.partial.json").unlink()
    with pytest.raises(RunChanged, match="cannot be read"):
        score("a.jsonl")
    Path("a.jsonl.partial").unlink()
    assert score("a.jsonl", top_k=1)[0].done == COUNT


def test_one_run_at_a_time(score):
    with locked(Path(".a.jsonl.lock")), pytest.raises(OutputUnusable, match=r"Another run is at work on a\.jsonl"):
        score("a.jsonl")
    score("a.jsonl")
    assert not Path(".a.jsonl.lock").exists()


def test_nothing_is_overwritten(score):
    Path("a.jsonl").write_text("mine")
    Path("b.csv").mkdir()
    for name in ("a.jsonl", "b.csv"):
        with pytest.raises(OutputUnusable, match="is there already"):
            score(name)
    assert Path("a.jsonl").read_text() == "mine"
    assert left(Path()) == {"a.jsonl"}


def test_a_place_that_cannot_be_written_says_so(score):
    Path("file").write_text("")
    with pytest.raises(OutputUnusable, match="cannot be written"):
        score("file/a.jsonl")


def test_without_photos_nothing_is_made(score, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputUnusable, match="no photos"):
        score("a.jsonl", "empty")
    assert not Path("a.jsonl").exists()
    assert not Path("a.jsonl.partial").exists()


def test_a_table_damaged_at_its_end_is_told_of_early(score, photos, monkeypatch):
    """A long one, whose rows take a while."""
    monkeypatch.setattr("har_core.batch.scoring._SECONDS_BETWEEN_WRITES", 0)
    lines = [f"{name},1\n" for name in NAMES] * 20_000
    (photos / "list.csv").write_text("path,n\n" + "".join(lines) + "broken\n")
    with pytest.raises(InputUnusable, match="cannot be read"):
        score("a.jsonl", "photos/list.csv")
    assert Path("a.jsonl.partial").read_bytes().count(b"\n") < len(lines) / 2
