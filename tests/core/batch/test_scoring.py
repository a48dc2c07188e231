"""Rows in order, and a file that comes out the same however often it is broken off."""

import json
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from har_core.batch import scoring
from har_core.batch.scoring import Item, Tally, rows, score
from har_core.errors import FileUnreadable
from tests.core.batch.photos import photo

COUNT = 12


def items(count: int = COUNT) -> list[Item]:
    """Photos, with nonsense as each fifth."""
    return [Item(f"föto {i}.png", lambda i=i: b"nonsense" if i % 5 == 4 else photo(i)) for i in range(count)]


@pytest.fixture
def whole(tiny, tmp_path) -> bytes:
    score(items(), tiny, tmp_path / "whole.jsonl")
    return (tmp_path / "whole.jsonl").read_bytes()


def test_a_row_is_what_the_predictor_says_or_an_error(tiny):
    found = list(rows(items(), tiny, top_k=2))
    assert [row["path"] for row in found] == [item.path for item in items()]
    good, bad = found[0], found[4]
    assert good.keys() == {"path", "label", "confidence", "decision", "predictions", "model"}
    assert len(good["predictions"]) == 2
    assert bad == {"path": "föto 4.png", "error": {"code": "not_an_image", "message": bad["error"]["message"]}}


def test_slow_photos_change_nothing_of_the_order_and_few_are_read_ahead(tiny):
    read, gate = [], threading.Event()

    def slow(number: int) -> bytes:
        read.append(number)
        if number == 0:
            gate.wait(10)
        return photo(number)

    def give(count: int):
        for number in range(count):
            yield Item(str(number), lambda number=number: slow(number))

    asked = iter(give(1000))
    found = rows(asked, tiny)
    threading.Timer(0.3, gate.set).start()
    assert next(found)["path"] == "0"
    assert max(read) < 100
    assert [row["path"] for row in found] == [str(number) for number in range(1, 1000)]


def test_a_photo_that_cannot_be_read_costs_its_row_only(tiny):
    def unreadable() -> bytes:
        raise FileUnreadable("There is no such file.")

    first, second = rows([Item("a", unreadable), Item("b", lambda: photo(1))], tiny)
    assert first["error"] == {"code": "file_unreadable", "message": "There is no such file."}
    assert second["label"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(0, 1), min_size=1, max_size=4))
def test_cut_off_at_any_byte_it_ends_as_if_undisturbed(tiny, tmp_path, whole, cuts):
    output = tmp_path / "cut.jsonl"
    output.unlink(missing_ok=True)
    for cut in cuts:
        assert score(items(), tiny, output) == Tally(COUNT, 2)
        output.write_bytes(output.read_bytes()[: int(cut * len(whole))])
    score(items(), tiny, output)
    assert output.read_bytes() == whole


@pytest.mark.parametrize("stop_at", [1, 3, 11, 12])
def test_what_the_report_raises_ends_the_work_and_leaves_whole_rows(tiny, tmp_path, whole, monkeypatch, stop_at):
    monkeypatch.setattr(scoring, "_SECONDS_BETWEEN_WRITES", 0)

    def stop(tally: Tally) -> None:
        if tally.done >= stop_at:
            raise InterruptedError

    output = tmp_path / "stopped.jsonl"
    with pytest.raises(InterruptedError):
        score(items(), tiny, output, report=stop)
    assert output.read_bytes() == b"".join(whole.splitlines(keepends=True)[: stop_at - 1])


def test_rows_that_are_there_are_not_computed_again(tiny, tmp_path, whole):
    output, read = tmp_path / "half.jsonl", []
    output.write_bytes(b"".join(whole.splitlines(keepends=True)[:7]))
    seen = [Item(item.path, lambda item=item: read.append(item.path) or item.read()) for item in items()]
    told = []
    score(seen, tiny, output, report=told.append)
    assert sorted(read) == sorted(item.path for item in items()[7:])
    assert told == [Tally(COUNT, 2)]
    assert output.read_bytes() == whole


def test_it_tells_how_far_it_is_while_it_works(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(scoring, "_SECONDS_BETWEEN_WRITES", 0)
    output, told = tmp_path / "rows.jsonl", []

    def report(tally: Tally) -> None:
        lines = output.read_text().splitlines()
        assert len(lines) == len(told), "what is told of is written next"
        assert all(json.loads(line) for line in lines)
        told.append(tally)

    score(items(), tiny, output, report=report)
    assert [tally.done for tally in told] == [*range(1, COUNT + 1), COUNT]
    assert told[-1] == Tally(COUNT, 2)
