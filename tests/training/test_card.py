"""What a card says of mistakes, and its plot."""

import numpy as np
import pandas as pd

from har_core.bundle import Evaluation
from har_core.evaluation.metrics import Answers
from training import card, reliability

TRUTH = np.array([0, 0, 0, 1, 1, 2])
PROBABILITIES = np.array(
    [[0.9, 0.1, 0], [0.3, 0.7, 0], [0.05, 0.95, 0], [0.1, 0.8, 0.1], [0.2, 0.6, 0.2], [0.5, 0.1, 0.4]]
)
ANSWERS = Answers(PROBABILITIES, TRUTH, PROBABILITIES.max(axis=1) > 0.8, np.zeros(6))
LABELS = ["eating", "running", "sitting"]


def test_confusions_are_counted_and_the_most_confident_mistakes_come_first():
    assert card._confusions(LABELS, ANSWERS) == "eating taken for running (2), sitting taken for eating (1)"
    photos = pd.DataFrame({"path": [f"/photos/{number}.jpg" for number in range(6)]})
    assert card._mistakes(LABELS, photos, ANSWERS).splitlines() == [
        "| 2.jpg | eating | running | 0.95 |",
        "| 1.jpg | eating | running | 0.70 |",
        "| 5.jpg | sitting | eating | 0.50 |",
    ]


def test_without_mistakes_it_says_so():
    right = ANSWERS.take(np.array([0, 3]))
    assert card._confusions(LABELS, right) == "none"
    assert card._mistakes(LABELS, pd.DataFrame({"path": ["a", "b"]}), right) == ""


def test_a_label_is_text_and_stays_in_its_cell():
    labels = ["a|b", "<b>*x*</b> [y](http://z)", "sitting_down"]
    shown = ["a\\|b", "\\<b\\>\\*x\\*\\</b\\> \\[y\\](http\\://z)", "sitting\\_down"]
    photos = pd.DataFrame({"path": [f"/photos/{number}_|.jpg" for number in range(6)], "label": [*labels, *labels]})
    assert [row.split(" | ")[0] for row in card._label_table(labels, photos, ANSWERS).splitlines()] == [
        f"| {label}" for label in shown
    ]
    assert card._confusions(labels, ANSWERS).startswith(f"{shown[0]} taken for {shown[1]} (2), ")
    assert card._mistakes(labels, photos, ANSWERS).startswith(f"| 2\\_\\|.jpg | {shown[0]} | {shown[1]} | 0.95 |")


def test_it_says_where_test_photos_show_scenes_that_were_learnt_from():
    evaluation = Evaluation(split="test", n=6, metrics={})
    assert "none of which shares a scene" in card._apart(evaluation)
    flattering = card._apart(evaluation.model_copy(update={"divided": ["sitting", "a|b"]}))
    assert (
        flattering == "; for sitting, a\\|b, some of them show scenes that it learnt from, so **the figures flatter**"
    )


def test_the_same_answers_give_the_same_plot():
    assert reliability.plot(ANSWERS) == reliability.plot(ANSWERS)
    assert b"share that was right" in reliability.plot(ANSWERS)
