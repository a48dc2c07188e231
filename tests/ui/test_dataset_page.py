"""The page Dataset, run by Streamlit's own test harness, on a small dataset with planted faults."""

import csv
import io
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from har_core import config
from har_core.datasets import checks, ingest, label_issues, store
from har_core.datasets.manifest import from_rows
from har_core.datasets.sources import folder
from har_core.errors import DatasetError, SourceUnusable
from har_ui import charts, jobs, paging
from har_ui.datasets import commands, job_panel, map_chart, photo_map, query, summary
from har_ui.datasets.findings import still_open
from har_ui.datasets.query import ORDERS, Filters
from har_ui.datasets.view import flagged, view_of
from tests.core.datasets.conftest import scene
from tests.ui.apps import button, page_at, raw_texts, run, texts

COLOURS = {"eating": "red", "running": "green", "sitting": "blue"}


def tinted(seed: int, colour: str) -> Image.Image:
    return Image.blend(scene(seed, (160, 120)), Image.new("RGB", (160, 120), colour), 0.6)


@pytest.fixture(scope="session")
def planted(tmp_path_factory) -> Path:
    """A state folder with the checked dataset ``small``: see the file names for what is wrong with it."""
    root = tmp_path_factory.mktemp("planted")
    photos = root / "photos"
    for number, (label, colour) in enumerate(list(COLOURS.items()) * 12):
        path = photos / label / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        tinted(number, colour).save(path, quality=92)
    tinted(0, "red").resize((120, 90)).save(photos / "eating" / "near.jpg")
    shutil.copy(photos / "running" / "1.jpg", photos / "sitting" / "same.jpg")
    Image.new("RGB", (160, 120), (8, 8, 8)).save(photos / "running" / "dark.png")
    (photos / "running" / "broken.jpg").write_bytes(b"no image")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAR_HOME", str(root / "home"))
        config.settings.cache_clear()
        dataset = ingest.ingest("small", folder.read(photos))
        # Whether a check would suspect this one is tested elsewhere.
        row = list(dataset.base()["path"]).index(str(photos / "sitting" / "same.jpg"))
        suspect = {"row": [row], "label": ["sitting"], "suggested": ["running"], "score": [0.99]}
        patch.setattr(label_issues, "find", lambda *_: pd.DataFrame(suspect))
        checks.check(dataset)
    config.settings.cache_clear()
    return root / "home"


@pytest.fixture
def small(planted, home):
    shutil.copytree(planted, home)
    return store.load("small")


def open_section(section: str = "Overview") -> AppTest:
    return run(page_at("pages/dataset.py", section=section))


def tiles(app: AppTest) -> list[str]:
    """What the gallery's tiles say."""
    return [item.label for item in app.button if item.key and item.key.startswith("open-gallery")]


def path_of(dataset, name: str) -> str:
    return next(path for path in dataset.base()["path"] if path.endswith(name))


def label_of(dataset, name: str) -> str:
    return dataset.manifest().set_index("path")["label"][path_of(dataset, name)]


# The page


def test_without_a_dataset_the_page_says_what_one_is_and_how_to_get_one():
    app = open_section()
    assert "A dataset is a list of photos with labels" in texts(app)
    assert [item.label for item in app.button] == [
        "Download the reference set (Kaggle HAR, ~ 300 MB)",
        "Import a folder",
    ]
    app = run(button(app, "Import a folder").click())
    assert [item.label for item in app.text_input] == ["Folder, or zip file", "Name of the new dataset"]


def test_the_overview_counts_what_is_there_and_what_was_left_out(small):
    app = open_section()
    assert {metric.label: metric.value for metric in app.metric} == {
        "Photos": "39",
        "Labels": "3",
        "Unlabelled": "0",
        "Excluded": "0",
        "Skipped": "1",
        "Fixes": "0",
    }
    assert small.fingerprint()[:12] in texts(app)
    assert "The photos are not split yet." in texts(app)
    assert list(app.dataframe[0].value["code"]) == ["not_an_image"]


@pytest.mark.usefixtures("small")
def test_photos_are_filtered_by_label_flag_and_path():
    app = open_section("Photos")
    assert "**39** of 39 photos" in texts(app)
    assert len(tiles(app)) == 24
    app = run(app.multiselect(key="labels-small").set_value(["sitting"]))
    assert tiles(app) == ["sitting"] * 13
    app = run(app.button_group(key="flags-small").set_value(["duplicate", "too_dark"]))
    assert tiles(app) == ["sitting"]
    app = run(app.multiselect(key="labels-small").set_value([]))
    assert len(tiles(app)) == 5
    app = run(app.text_input(key="text-small").set_value("DARK"))
    assert tiles(app) == ["running"]
    app = run(app.text_input(key="text-small").set_value("nothing is called so"))
    assert "No photo is like that" in texts(app)


@pytest.mark.usefixtures("small")
def test_the_second_page_shows_the_rest():
    app = open_section("Photos")
    app = run(app.pagination[0].set_value(2))
    assert len(tiles(app)) == 39 - 24


def test_a_photo_is_opened_relabelled_and_the_fix_undone(small):
    app = open_section("Photos")
    app = run(app.text_input(key="text-small").set_value("running/dark"))
    app = run(button(app, "running").click())
    assert "160 × 120 px" in texts(app)
    assert "too dark" in texts(app)
    assert any(item.key and item.key.startswith("open-alike") for item in app.button)
    chooser = app.selectbox(key=f"label-{path_of(small, 'dark.png')}")
    app = run(chooser.set_value("sitting"))
    app = run(button(app, "Relabel").click())
    assert label_of(small, "dark.png") == "sitting"
    assert "Relabelled running/dark.png to “sitting”." in texts(app).replace("\\", "")
    app = run(button(app, "Undo").click())
    assert label_of(small, "dark.png") == "running"
    assert small.fixes() == []


def test_an_excluded_photo_leaves_the_gallery_and_can_be_found_again(small):
    small.apply("exclude", [path_of(small, "dark.png")])
    app = open_section("Photos")
    assert "**38** of 39 photos" in texts(app)
    app = run(app.button_group(key="flags-small").set_value(["excluded"]))
    assert tiles(app) == ["running"]


def test_review_shows_the_findings_and_settles_them(small):
    app = open_section("Review")
    assert "Checked as it is now: 39 photos." in texts(app)
    assert "Labelled **sitting**, perhaps **running**" in texts(app)
    app = run(button(app, "It is running").click())
    assert label_of(small, "same.jpg") == "running"
    assert "have changed since the last check" in texts(app)
    assert "Nothing left to decide here." in texts(app)
    app = run(button(app, "Undo the last fix").click())
    assert label_of(small, "same.jpg") == "sitting"

    section = app.button_group(key="review-section")
    assert list(section.options) == [
        "Label issues (1)",
        "Near-duplicates (1)",
        "Exact duplicates (1)",
        "Across splits (0)",
        "Conflicting labels (1)",
        "Not readable (0)",
    ]
    app = run(section.set_value("near"))
    assert "**0** of 64 bits differ" in texts(app)
    app = run(button(app, "Exclude the second").click())
    assert small.manifest().set_index("path")["excluded"][path_of(small, "near.jpg")]
    assert app.button_group(key="review-section").value == "near"
    assert "Nothing left to decide here." in texts(app)
    app = run(app.button_group(key="review-section").set_value("conflicts"))
    app = run(button(app, "All are sitting").click())
    assert label_of(small, "running/1.jpg") == "sitting"


@pytest.mark.usefixtures("small")
def test_the_map_is_drawn_or_says_what_it_needs(home):
    app = open_section("Map")
    assert app.get("vega_lite_chart")
    assert app.multiselect[0].value == ["eating", "running", "sitting"]
    shutil.rmtree(home / "cache" / "embeddings")
    app = open_section("Map")
    assert "needs to know what each photo looks like" in texts(app)
    assert button(app, "Check now")


def test_a_dataset_that_was_not_checked_asks_for_it(small):
    (small.folder / "check.json").unlink()
    assert "has not been checked yet" in texts(open_section("Review"))


def test_a_damaged_dataset_is_reported_in_words(small):
    (small.folder / "manifest.parquet").write_bytes(b"no table")
    app = open_section()
    assert "The dataset small is damaged" in app.error[0].value


def test_photos_that_are_gone_leave_a_note(small, home):
    shutil.rmtree(home / "cache" / "thumbnails", ignore_errors=True)
    frame = pd.read_parquet(small.folder / "manifest.parquet")
    frame["path"] = "/gone" + frame["path"]
    frame.to_parquet(small.folder / "manifest.parquet")
    app = open_section("Photos")
    assert "cannot be read any more" in texts(app)


def test_labels_cannot_become_mark_up(small):
    small.apply("relabel", [path_of(small, "dark.png")], "<b>*x*")
    app = open_section("Photos")
    app = run(app.multiselect(key="labels-small").set_value(["<b>*x*"]))
    assert tiles(app) == [r"\<b\>\*x\*"]


def test_a_form_is_refused_in_words(small):
    app = open_section("Import")
    app = run(button(app, "Import").click())
    assert "A path is needed" in app.error[0].value
    app.text_input[0].set_value(str(small.folder))
    app.text_input[1].set_value("small")
    app = run(button(app, "Import").click())
    assert "There is a dataset small already" in app.error[0].value
    assert jobs.recent() == []


# Jobs, as the page shows them


class FakeJob:
    """A job in any state one likes."""

    def __init__(self, state="running", progress=None, errors=(), arguments=("data", "check", "small")):
        self.id, self.title, self.started = "1", "Checking *small*", 0.0
        self.arguments = list(arguments)
        self._state, self._progress, self._errors = state, progress, list(errors)
        self.cancelled = False

    def state(self):
        return self._state

    def progress(self):
        return self._progress

    def errors(self):
        return self._errors

    def cancel(self):
        self.cancelled = True
        self.end("interrupted")

    def end(self, state):
        self._state = state


@pytest.fixture
def follow(small, monkeypatch):
    """Shows the page to a visitor who follows a job."""

    def show(job: FakeJob, section="Review") -> AppTest:
        assert small.name in store.names()
        monkeypatch.setattr(jobs, "find", lambda _: job)
        monkeypatch.setattr(jobs, "running", lambda: job if job.state() == "running" else None)
        return open_section(section)

    return show


def test_a_running_job_is_shown_and_can_be_stopped(follow):
    job = FakeJob(progress=jobs.Progress(done=1200, total=4800, what="reading photos"))
    app = follow(job)
    assert r"Checking \*small\*" in raw_texts(app)
    (bar,) = app.get("progress")
    assert bar.value == 25
    assert "reading photos: 1,200 of 4,800" in bar.text
    assert button(app, "Check now").disabled
    app = run(button(app, "Stop").click())
    assert job.cancelled
    assert "stopped before its end" in texts(app)


def test_a_failed_job_says_why_until_it_is_closed(follow, monkeypatch):
    app = follow(FakeJob("failed", errors=["There is no *folder* x."]))
    assert "this did not work" in app.error[0].value
    assert r"There is no \*folder\* x\." in app.error[0].value
    monkeypatch.setattr(jobs, "find", lambda _: None)
    assert not run(button(app, "Close").click()).error


def test_a_check_that_finds_something_has_not_failed():
    assert job_panel.ended_well(FakeJob("failed"))
    assert job_panel.ended_well(FakeJob("done"))
    assert not job_panel.ended_well(FakeJob("failed", errors=["no"]))
    assert not job_panel.ended_well(FakeJob("failed", arguments=("data", "import")))
    assert not job_panel.ended_well(FakeJob("interrupted"))


def test_an_imported_dataset_is_the_one_that_is_shown(follow):
    job = FakeJob(arguments=("data", "import", "folder", "/x", "--name=small"))
    app = follow(job, section="Import")
    job.end("done")
    app = run(app)
    assert app.button_group(key="section").value == "Overview"
    # Only once: the visitor may go on to another section.
    app = run(app.button_group(key="section").set_value("Photos"))
    assert app.button_group(key="section").value == "Photos"


def test_pace_and_spans_in_words():
    assert job_panel.pace(300, 900, 100, 10) == "20 a second · about 30 s left"
    assert job_panel.pace(4, 100, 0, 40) == "about 16 min left"
    assert job_panel.pace(300, 900, 100, 1) == ""
    assert job_panel.pace(100, 900, 100, 10) == ""
    assert [job_panel.span(seconds) for seconds in (0.2, 89, 600, 9000)] == ["1 s", "89 s", "10 min", "2.5 h"]


# What a form's texts become


def test_forms_become_arguments_that_cannot_be_options(tmp_path):
    photos = tmp_path / "--name=x"
    photos.mkdir()
    table = tmp_path / "labels.csv"
    table.touch()
    assert commands.import_folder(f" {photos} ", "new").arguments == (
        *("data", "import", "folder"),
        *(str(photos), "--name=new"),
    )
    assert commands.import_csv(str(table), f"a={photos}\n\n -b = {tmp_path}\n", "new").arguments == (
        *("data", "import", "csv", str(table)),
        *(f"--root=a={photos}", f"--root=-b={tmp_path}", "--name=new"),
    )
    assert commands.import_kaggle_har("", "new").arguments == ("data", "import", "kaggle-har", "--name=new")
    assert commands.import_feedback("new").arguments == ("data", "import", "feedback", "--name=new")
    assert commands.check("new").arguments == ("data", "check", "new")
    assert commands.split("new", 0.15, 0.1, 3).arguments[2:] == ("new", "--val=0.15", "--test=0.1", "--seed=3")


def test_the_command_line_takes_all_of_them(tmp_path):
    from har_cli.data import app

    nothing = [str(tmp_path)]
    for command in (
        commands.import_folder(*nothing, "new"),
        commands.import_csv(*nothing, f"a={tmp_path}", "new"),
        commands.import_kaggle_har(*nothing, "new"),
        commands.import_feedback("new"),
        commands.check("nowhere"),
        commands.split("nowhere", 0.1, 0.1, 0),
    ):
        arguments = [*command.arguments[1:], "--progress-file", str(tmp_path / "progress.json")]
        done = CliRunner().invoke(app, arguments, prog_name="har data")
        # It fails, for there is nothing to work on; 2 would mean that it was not understood.
        assert (command.title, done.exit_code) == (command.title, 1), done.output


@pytest.mark.parametrize("name", ["", "--help", "a b", "../up", "A", "x" * 65])
def test_names_that_are_none_are_refused(name):
    with pytest.raises(DatasetError):
        commands.import_feedback(name)


@pytest.mark.parametrize("path", ["", "  ", "/no/such/place", "a\0b", "/" + "x" * 5000, "~nobody-of-that-name/x"])
def test_paths_that_are_none_are_refused(path):
    with pytest.raises(SourceUnusable):
        commands.import_folder(path, "new")


def test_roots_need_an_equals_sign(tmp_path):
    with pytest.raises(SourceUnusable, match="SOURCE=FOLDER"):
        commands.import_csv(str(tmp_path), "just/a/path", "new")


def test_an_upload_is_kept_and_the_one_before_it_thrown_away(home):
    for content in (b"first", b"second"):
        command = commands.import_upload(io.BytesIO(content), "new")
    (kept,) = (home / "uploads").iterdir()
    assert kept.read_bytes() == b"second"
    assert command.arguments == ("data", "import", "folder", str(kept), "--name=new")
    with pytest.raises(SourceUnusable, match="Choose a zip"):
        commands.import_upload(None, "new")


# Queries, figures and charts


@pytest.fixture
def many():
    """A manifest of 3,000 photos of all kinds."""
    rng = np.random.default_rng(0)
    count = 3000
    frame = from_rows(
        [
            {
                "id": f"{number:064x}",
                "path": f"/photos/{number % 7}/{number}.jpg",
                "label": None if number % 10 == 0 else f"label_{number % 7}",
                "split": (None, "train", "val", "test")[number % 4],
                "group": str(number),
                "source": "ab"[number % 2],
                "phash": "0" * 16,
                "dhash": "0" * 16,
                "width": rng.integers(50, 4000),
                "height": rng.integers(50, 4000),
                "brightness": rng.uniform(0, 255),
                "contrast": rng.uniform(0, 127),
                "sharpness": rng.uniform(0, 500),
            }
            for number in range(count)
        ]
    ).assign(excluded=False, kept=False, fixed=False)
    frame.loc[[3, 5], "excluded"] = True
    return flagged(frame, None)


def test_filters_let_through_what_they_say(many):
    assert len(query.choose(many, Filters())) == len(many) - 2
    assert list(query.choose(many, Filters(flags=("excluded",))).index) == [3, 5]
    some = query.choose(many, Filters(labels=("label_1", "label_2"), splits=("train", query.NO_SPLIT), sources=("a",)))
    assert set(some["label"]) == {"label_1", "label_2"}
    assert set(some["split"].fillna("none")) == {"none"}
    assert set(query.choose(many, Filters(splits=("train", "none")))["split"].fillna("none")) == {"train", "none"}
    assert query.choose(many, Filters(text="/3/17.JPG"))["path"].tolist() == ["/photos/3/17.jpg"]
    poor = query.choose(many, Filters(flags=("too_dark", "unlabelled")))
    assert (poor["label"].isna() | (poor["brightness"] < checks.DARK_BELOW)).all()


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.title)
def test_every_order_sorts_the_same_photos(many, order):
    found = query.choose(many, Filters(order=order))
    assert sorted(found.index) == list(query.choose(many, Filters()).index)
    if order.column in many and order.column != "label":
        column = found[order.column]
        assert column.is_monotonic_increasing if order.ascending else column.is_monotonic_decreasing


@pytest.mark.parametrize(("total", "pages"), [(0, 1), (1, 1), (24, 1), (25, 2), (240, 10)])
def test_pages_cover_all_items_once(monkeypatch, total, pages):
    items = []
    for page in range(1, pages + 1):
        monkeypatch.setattr("streamlit.pagination", lambda count, key, page=page: page if count == pages and key else 0)
        items += range(total)[paging.turned_to(total, 24, "page")]
    assert items == list(range(total))


def test_figures_add_up(many):
    counts = summary.label_counts(many)
    assert list(counts.columns) == ["train", "val", "test", "none"]
    assert counts.to_numpy().sum() == many["label"].notna().sum()
    assert counts.sum(axis=1).is_monotonic_decreasing
    sizes = summary.size_counts(many)
    assert sizes["count"].sum() == len(many)
    assert len(sizes) <= 600
    assert summary.brightness_counts(many)[0].sum() == len(many)


def test_sizes_that_are_few_are_not_rounded(many):
    few = many.assign(width=227, height=301)
    assert summary.size_counts(few).to_numpy().tolist() == [[227, 301, len(many)]]


def test_a_table_becomes_csv_without_formulas():
    table = pd.DataFrame({"path": ["=cmd.png", "a,b.png"], "message": ["-1", "fine"]}, dtype="string")
    rows = list(csv.DictReader(io.StringIO(summary.to_csv(table))))
    assert rows == [{"path": "'=cmd.png", "message": "'-1"}, {"path": "a,b.png", "message": "fine"}]


def test_bars_are_stacked_split_by_split(many):
    figure = charts.split_counts(summary.label_counts(many))
    bars = [trace for trace in figure.data if trace.type == "bar"]
    assert [trace.name for trace in bars] == ["train", "val", "test", "none"]
    assert sum(sum(trace.x) for trace in bars) == many["label"].notna().sum()
    assert bars[0].y[0].startswith("label ")


def test_poor_brightness_is_in_another_colour(many):
    bars = charts.brightness_bars(*summary.brightness_counts(many), 25, 235).data[0]
    assert bars.marker.color[0] == bars.marker.color[-1] != bars.marker.color[15]


def test_the_map_gives_each_label_another_look_and_carries_the_pictures(small):
    view = view_of(small)
    labels = [f"label_{number}" for number in range(map_chart.MOST_COLOURED)]
    points = pd.DataFrame({"row": [0], "x": [0.0], "y": [0.0], "label": ["label_3"], "name": ["n"], "image": ["data:"]})
    spec = map_chart.chart(points, labels, labels).to_dict()
    scales = [spec["encoding"][channel]["scale"] for channel in ("color", "shape")]
    looks = set(zip(scales[0]["range"], scales[1]["range"], strict=True))
    assert len(looks) == len(labels) + 1
    assert scales[0]["domain"] == [*(label.replace("_", " ") for label in labels), map_chart.OTHERS]
    (tiny,) = photo_map.pictures(view.photos.head(1))
    assert tiny.startswith("data:image/jpeg;base64,")


def test_findings_that_later_fixes_settle_are_left_out(small):
    report = checks.last(small)
    before = still_open(report, small.manifest())
    assert [len(before.label_issues), len(before.near_pairs), len(before.duplicates), len(before.conflicting)] == [
        1
    ] * 4
    small.apply("keep", [path_of(small, "same.jpg")])
    small.apply("same_group", before.near_pairs[0].paths)
    small.apply("relabel", [path_of(small, "running/1.jpg")], "sitting")
    after = still_open(report, small.manifest())
    assert (after.label_issues, after.near_pairs, after.conflicting) == ([], [], [])
    assert len(after.duplicates) == 1
    small.apply("exclude", [path_of(small, "same.jpg")])
    assert still_open(report, small.manifest()).duplicates == []


def test_groups_that_lie_across_splits_are_found_until_they_do_not(small):
    paths = [path_of(small, "running/1.jpg"), path_of(small, "same.jpg")]
    report = checks.last(small).model_copy(update={"cross_split": [paths]})
    split = small.base()["path"].map({paths[0]: "train", paths[1]: "test"}).astype("string")
    assert still_open(report, small.manifest().assign(split=split)).cross_split == [paths]
    assert still_open(report, small.manifest().assign(split="train")).cross_split == []
