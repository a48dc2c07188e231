"""The pages, run by Streamlit's own test harness."""

import csv
import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from har_core import feedback, serving
from har_core.errors import NotAnImage
from har_core.feedback import Answer
from har_core.predictor import ModelReference, Score
from har_core.video.reading import VideoInfo
from har_core.video.recognition import VideoResult
from har_core.video.segments import Samples, Segment
from har_ui import charts, page, recognition
from har_ui.recognition import Photo
from har_ui.training.charts import recall_bars
from har_ui.video import timeline as video_timeline
from har_ui.webcam import timeline as camera_timeline
from tests.ui.apps import page_at

ANSWER = Answer(label="cycling", confidence=0.6, decision="unsure", model="tiny@1")


def open_page(path: str) -> AppTest:
    return page_at(path).run()


def photo(colour, name="photo.png") -> Photo:
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(buffer, "PNG")
    return Photo(name, buffer.getvalue())


def texts(app: AppTest) -> str:
    return " ".join(str(element.value) for kind in (app.markdown, app.caption, app.info, app.error) for element in kind)


def test_home_answers_at_once_and_says_how_good_the_model_is():
    app = open_page("Home.py")
    assert not app.exception
    assert "cycling" in texts(app)
    shown = {metric.label: metric.value for metric in app.metric}
    assert shown["Actions it knows"] == "19"
    assert shown["Accuracy"].endswith("%")


def test_of_many_photos_that_cannot_be_read_the_first_are_named():
    def page():
        import streamlit as st

        from har_ui import results

        results.show(st.session_state.found, ["cycling"])

    app = AppTest.from_function(page, default_timeout=60)
    bad = [Photo(f"{number}.jpg", b"no photo") for number in range(7)]
    app.session_state.found = [
        recognition.Recognition(photo, None, NotAnImage("The file is not an image.")) for photo in bad
    ]
    app.run()
    assert not app.exception
    assert len(app.error) == 5
    assert "and 2 more" in texts(app)
    assert len(app.dataframe[0].value) == 7


def test_an_example_that_is_clicked_takes_the_place_of_what_was_brought():
    app = open_page("Home.py")
    app.button(key="home-pick-riding_horse.jpg").click().run()
    assert not app.exception
    assert "## riding horse" in texts(app)
    example = recognition.examples()[0]
    app.file_uploader[0].upload(example.name, example.payload, "image/jpeg").run()
    assert "## cycling" in texts(app)
    app.button(key="home-pick-riding_horse.jpg").click().run()
    assert "## riding horse" in texts(app)
    assert not app.file_uploader[0].value


def test_predict_starts_with_what_to_do():
    app = open_page("pages/photos.py")
    assert not app.exception
    assert "19 actions" in texts(app)


def test_one_uploaded_photo_gets_an_answer():
    app = open_page("pages/photos.py")
    example = recognition.examples()[0]
    app.file_uploader[0].upload(example.name, example.payload, "image/jpeg").run()
    assert not app.exception
    assert "## cycling" in texts(app)
    app.toggle[0].set_value(True).run()
    assert "Bright: speaks for" in texts(app)


def test_many_photos_with_a_bad_one_between_them():
    app = open_page("pages/photos.py")
    good = recognition.examples()[0]
    bad = ("<script>*x*.jpg", b"no photo at all", "image/jpeg")
    app.file_uploader[0].set_value([(good.name, good.payload, "image/jpeg"), bad]).run()
    assert not app.exception
    (error,) = app.error
    assert "not an image" in error.value
    assert r"\<script\>\*x\*\.jpg" in error.value
    assert {metric.label: metric.value for metric in app.metric} == {
        "Photos": "2",
        "Sure answers": "1",
        "Could not be read": "1",
    }


def test_examples_come_and_go_and_answers_are_chosen_by_whether_they_are_sure():
    app = open_page("pages/photos.py")
    for name in ("cycling", "astronaut", "climbing"):
        app.button(key=f"photos-pick-{name}.jpg").click().run()
    assert app.metric[0].value == "3"
    app.button(key="photos-pick-climbing.jpg").click().run()
    assert app.metric[0].value == "2"
    assert app.button_group(key="which-answers").options == ["All · 2", "Sure · 1", "Unsure · 1"]
    app.button_group(key="which-answers").set_value("unsure").run()
    assert not app.exception
    assert "## cycling" not in texts(app)
    app.toggle(key="heat-all").set_value(True).run()
    assert "Bright: speaks for" in texts(app)


def button(app, label: str):
    return next(item for item in app.button if item.label == label)


def one_answer() -> tuple[AppTest, Photo]:
    app = open_page("pages/photos.py")
    example = recognition.examples()[0]
    app.file_uploader[0].upload(example.name, example.payload, "image/jpeg").run()
    assert not app.exception
    return app, example


def test_before_a_photo_is_kept_it_is_said_what_is_kept():
    app, _ = one_answer()
    assert "keeps this photo, at most 1024 px and without its metadata" in texts(app)
    assert "unless you say whether an answer is right" in app.file_uploader[0].help
    assert feedback.entries() == []


def test_a_wrong_answer_is_kept_with_its_right_label_and_can_be_taken_back():
    app, example = one_answer()
    assert button(app, "Keep").disabled
    app.selectbox[0].set_value("walking").run()
    button(app, "Keep").click().run()
    assert not app.exception
    (entry,) = feedback.entries()
    assert (entry.label, entry.predicted, entry.photo) == ("walking", "cycling", example.key)
    assert (entry.verdict, entry.source, entry.status) == ("wrong", "app", "new")
    assert "Kept as **walking**, thank you." in texts(app)
    button(app, "Undo").click().run()
    assert not app.exception
    assert feedback.entries() == []
    assert button(app, "Right")


def test_a_right_answer_is_kept_as_such():
    app, _ = one_answer()
    button(app, "Right").click().run()
    (entry,) = feedback.entries()
    assert (entry.label, entry.verdict) == ("cycling", "right")
    assert "thank you" in texts(app)


def test_what_cannot_be_kept_is_said_in_words():
    app, example = one_answer()
    entry = feedback.record(example.payload, None, ANSWER, "api")
    feedback.settle([entry], "mine")
    button(app, "Right").click().run()
    assert not app.exception
    assert r"was added to the dataset mine" in app.warning[0].value


def test_where_feedback_is_off_nothing_is_asked(use_setting):
    use_setting("FEEDBACK", "false")
    app, _ = one_answer()
    assert not [item for item in app.button if item.label in ("Right", "Keep")]
    assert "keeps this photo" not in texts(app)
    assert app.file_uploader[0].help.endswith("are not kept.")


def test_the_same_photo_twice_is_two_rows():
    app = open_page("pages/photos.py")
    example = recognition.examples()[0]
    app.file_uploader[0].set_value([(example.name, example.payload, "image/jpeg")] * 2).run()
    assert not app.exception
    assert app.metric[0].value == "2"


def test_without_a_model_the_page_says_what_to_do(use_setting, tmp_path):
    import streamlit

    streamlit.cache_resource.clear()
    use_setting("SHIPPED_MODELS", tmp_path)
    app = open_page("pages/photos.py")
    assert not app.exception
    assert "There is no model" in app.error[0].value
    assert "har models list" in app.error[0].value


def test_a_visitor_chooses_among_the_models_that_ship(use_setting, tiny_bundle):
    import streamlit

    streamlit.cache_resource.clear()
    models = tiny_bundle.folder.parent
    shipped = serving.find("everyday").folder
    shutil.copytree(shipped, models / shipped.name)
    use_setting("SHIPPED_MODELS", models)
    app = open_page("pages/photos.py")
    assert "19 actions" in texts(app)
    choice = app.button_group(key="model")
    assert choice.options == ["Everyday · 19 actions", "Tiny · 3 actions"]
    choice.set_value("tiny").run()
    assert not app.exception
    assert "3 actions: red · green · blue" in texts(app)
    streamlit.cache_resource.clear()


@pytest.fixture
def results(tiny):
    sure = recognition.recognise(photo("red", "=cmd.png"), tiny)
    unsure = recognition.recognise(photo((120, 120, 118)), tiny)
    failed = recognition.recognise(Photo("bad.jpg", b"text"), tiny)
    return sure, unsure, failed


def test_reasons_are_given_in_words(results):
    sure, unsure, _ = results
    assert "above its bar of 90%" in recognition.reason(sure.prediction)
    assert "wavers between" in recognition.reason(unsure.prediction)


def test_downloads_hold_every_row_and_no_formula(results):
    rows = list(csv.DictReader(io.StringIO(recognition.to_csv(results))))
    assert [row["label"] for row in rows][0::2] == ["red", ""]
    assert rows[0]["path"] == "'=cmd.png"
    assert "not an image" in rows[2]["error"]
    found = json.loads(recognition.to_json(results))
    assert found[0]["model"] == {"name": "tiny", "version": 1}
    assert found[2]["error"]["code"] == NotAnImage.code


def test_the_heat_map_is_a_picture_of_the_same_shape(results):
    first = Image.open(
        io.BytesIO(recognition.overlay(recognition.thumbnail(results[0].photo.payload), results[0].prediction))
    )
    assert first.size == (60, 40)


def test_bars_show_scores_in_order_with_the_threshold():
    figure = charts.score_bars([Score("using_laptop", 0.7), Score("sitting", 0.2)], True, 0.5)
    assert list(figure.data[0].y) == ["using laptop", "sitting"]
    assert list(figure.data[0].x) == [0.7, 0.2]
    assert figure.layout.shapes[0].x0 == 0.5


def test_labels_cannot_become_mark_up_in_a_figure():
    label = "<b>fly</b>_& <a href='//x'>so</a>"
    segment = Segment(0, 1, label, 0.9, "sure")
    video = VideoResult(
        info=VideoInfo(1.0, 640, 480, "h264", 30.0),
        samples=Samples([0.0], np.ones((1, 1), np.float32), np.ones(1, bool), [label], 1.0),
        segments=[segment],
        threshold=0.7,
        notes=[],
        model=ModelReference("tiny", 1),
    )
    for figure in (
        charts.score_bars([Score(label, 0.7)], True, 0.5),
        charts.label_counts({label: 1}),
        charts.split_counts(pd.DataFrame({"test": [1]}, index=[label])),
        recall_bars(pd.DataFrame({"label": [label], "recall": [0.5], "before": [0.4]}), "r"),
        camera_timeline.figure([camera_timeline.Run(0, 1, label, "tiny@1", 1, 0.9, 1)], [label]),
        video_timeline.figure(video, [label]),
    ):
        for trace in figure.data:
            assert list(trace.y) == ["&lt;b&gt;fly&lt;/b&gt; &amp; &lt;a href='//x'&gt;so&lt;/a&gt;"]


def test_names_cannot_become_mark_up():
    assert page.plain("<b>[x](y)*") == r"\<b\>\[x\]\(y\)\*"


def test_examples_are_photos_that_decode(tiny):
    assert all(recognition.recognise(example, tiny).prediction for example in recognition.examples())
    assert np.unique([example.key for example in recognition.examples()]).size == len(recognition.examples())
