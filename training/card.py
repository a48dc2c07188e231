"""Writes a model's card."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from har_core import bundle as bundles
from har_core.bundle import BundleInfo, Evaluation, Metric
from har_core.evaluation.metrics import Answers
from training.recipe import Recipe

_METRIC_NAMES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "ece": "Calibration error (ECE, 15 bins)",
    "sure_share": "Share of photos answered \"sure\"",
    "sure_accuracy": "Accuracy among the sure ones",
}  # fmt: skip
_MISTAKES = 10
_CONFUSIONS = 8

# What is known of the sets that the project's own models come from.
_SOURCES = {
    "flickr8k": "Flickr8k (Hodosh, Young and Hockenmaier 2013), a research set of photos from Flickr, for research and "
    "teaching. Labelled from its captions (at least three of five name the action and none another; a few percent are "
    "wrong) or by hand.",
    "willow": "Willow Actions (Delaitre, Laptev and Sivic 2010), a research set of photos from Flickr, cropped to the "
    "person. Labelled by the set.",
    "sports": "Kaggle's “100 sports” set, gathered from the web by its author, 224 × 224 px; at most 60 photos of each "
    "sport. Labelled by the set.",
}

_CARD = """# {name}, version {version}

Names what a person does in a photo: one of {count} labels, with a calibrated probability, and "unsure" where it may
well be wrong.

- **Network**: {backbone}, {size} × {size} px{tuned_at}, {start}{tuned}{taught}; serves in {form}{both_ways}.
- **Made** {created} from code revision `{revision}`, dataset fingerprint `{fingerprint}`.
- **Meant for**: sorting and searching photos, teaching, prototypes.
- **Not meant for**: decisions about a person (surveillance, hiring, insurance, policing), nor anything where a wrong
  answer can hurt someone. It says what a photo looks like, not what somebody intends, feels or is.

## Figures

On the test split: {n} photos{apart}. 95 % intervals by bootstrap; Wilson's for shares that every resample agrees on.

| figure | value | 95 % interval |
| --- | --- | --- |
{metrics}

"Sure" means a probability of at least {threshold:.3f}, chosen on validation so that {precision:.0%} of the sure answers
are right{energy}.

{outliers}![How often answers were right, by how probable the model called them]({plot})

| label | photos | in test | precision | recall | F1 |
| --- | --- | --- | --- | --- | --- |
{labels}

## Where it goes wrong

Most frequent confusions on the test split: {confusions}.

Its most confident mistakes there:

| photo | right label | answer | probability |
| --- | --- | --- | --- |
{mistakes}

## Serving

What was tried for serving; one photo on one core, median.

| form | size | validation accuracy | time |
| --- | --- | --- | --- |
{forms}

## Data

{photos} photos with a label{unlabelled}. The photos themselves are not part of this project.

{sources}

Labels with fewer than {min_photos} photos were left out: {left_out}.

## Limits

- A label with few test photos has a figure that says little: read the table's third column first.
- The photo must show someone doing something of the list. Other photos mostly come out unsure, not always.
- One label a photo: several people doing different things get one answer.
- It knows what its photos show. Expect worse answers for what is rare in them, such as people who are small or half
  hidden, unusual clothing or children, and where people and places look different from theirs.

## Make it again

With the same photos imported as `{dataset}`: `har train bundle.json --dataset {dataset}`, with the `bundle.json` beside
this card, which holds the recipe. `har evaluate {name}@{version} --dataset {dataset}` measures it again.
"""


def render(info: BundleInfo, manifest: pd.DataFrame, tested: pd.DataFrame, answers: Answers) -> str:
    """The card as Markdown.

    Args:
        info: The bundle's description, with its evaluation.
        manifest: All photos, with ``label`` and ``source``.
        tested: Those of the test split, with ``path``, in the order of ``answers``.
        answers: On the test split.
    """
    recipe = Recipe.model_validate(info.recipe)
    shares = [phase.train_share for phase in recipe.phases]
    energy, unlabelled = info.thresholds.energy, info.dataset.get("unlabelled")
    return _CARD.format(
        name=info.name,
        version=info.version,
        count=len(info.labels),
        backbone=recipe.backbone,
        size=info.input_size,
        tuned_at=f" (fine-tuned at {recipe.image_size})" if recipe.serving_size and recipe.image_size else "",
        created=info.created[:10],
        revision=info.code_revision,
        fingerprint=str(info.dataset["fingerprint"])[:16],
        n=info.evaluation.n,
        apart=_apart(info.evaluation),
        metrics="\n".join(
            f"| {_METRIC_NAMES[key]} | {metric.value:.3f} | {_interval(metric)} |"
            for key, metric in info.evaluation.metrics.items()
        ),
        threshold=info.thresholds.confidence,
        precision=info.thresholds.precision,
        energy=f", and an energy of at least {energy:.2f}" if energy is not None else "",
        outliers=_outliers(info),
        plot=bundles.CALIBRATION,
        labels=_label_table(info.labels, manifest, answers),
        confusions=_confusions(info.labels, answers),
        mistakes=_mistakes(info.labels, tested, answers),
        forms="\n".join(
            f"| {form.precision}{' (serves)' if form.precision == info.precision else ''} | {form.size / 1e6:.1f} MB "
            f"| {form.accuracy:.3f} | {form.milliseconds:.1f} ms |"
            for form in info.exports
        ),
        photos=len(manifest),
        unlabelled=f", and {unlabelled} without one, for which the teachers answered" if unlabelled else "",
        start={"imagenet": "pretrained on ImageNet", "random": "from random weights"}.get(
            recipe.start, f"starting from the model {recipe.start}"
        ),
        tuned=f", the upper {max(shares):.0%} fine-tuned" if shares else "",
        taught=_taught(recipe),
        form=info.precision,
        both_ways=", looking at each photo and its mirror image" if recipe.both_ways else "",
        sources="\n".join(
            f"- {_plain(str(source))}, {count} photos. {_SOURCES.get(str(source), '')}".rstrip()
            for source, count in manifest["source"].value_counts().items()
        ),
        left_out=_plain(str(info.dataset["labels_left_out"])) or "none",
        min_photos=recipe.min_photos,
        dataset=info.dataset["name"],
    )


def _taught(recipe: Recipe) -> str:
    """Who taught it, besides the labels."""
    teachers = recipe.teachers
    if not teachers:
        return ""
    return (
        f", taught by {teachers} networks of other seeds" if teachers > 1 else ", taught by a network of another seed"
    )


def _apart(evaluation: Evaluation) -> str:
    """What the test photos have in common with those that were learnt from."""
    if not evaluation.divided:
        return ", none of which shares a scene with one that was trained on"
    names = ", ".join(map(_plain, evaluation.divided))
    return f"; for {names}, some of them show scenes that it learnt from, so **the figures flatter**"


def _plain(text: str) -> str:
    """Foreign text, without what Markdown would take for mark-up or the end of a table's cell."""
    return re.sub(r"[\\`*_\[\]<>|~$:&]", r"\\\g<0>", text)


def _interval(metric: Metric) -> str:
    return f"{metric.low:.3f}–{metric.high:.3f}"


def _outliers(info: BundleInfo) -> str:
    """What it makes of photos of nothing on its list, as a paragraph; empty where that was not measured."""
    found = info.evaluation.outliers
    if found is None:
        return ""
    unsure, auroc = found.unsure_share, found.auroc
    return (
        f"Of {found.n} photos that show nothing of the list, {unsure.value:.1%} ({unsure.low:.1%}–{unsure.high:.1%}) "
        f"come out unsure. The energy tells them from the test photos with an AUROC of {auroc.value:.3f} "
        f"({_interval(auroc)}).\n\n"
    )


def _label_table(labels: list[str], manifest: pd.DataFrame, answers: Answers) -> str:
    precision, recall, f1, support = precision_recall_fscore_support(
        answers.truth, answers.found, labels=range(len(labels)), zero_division=0
    )
    photos = manifest["label"].value_counts()
    return "\n".join(
        f"| {_plain(label)} | {photos[label]} | {support[i]} | {precision[i]:.2f} | {recall[i]:.2f} | {f1[i]:.2f} |"
        for i, label in enumerate(labels)
    )


def _confusions(labels: list[str], answers: Answers) -> str:
    wrong = answers.found != answers.truth
    pairs = Counter(zip(answers.truth[wrong].tolist(), answers.found[wrong].tolist(), strict=True))
    names = [_plain(label) for label in labels]
    texts = [f"{names[truth]} taken for {names[found]} ({n})" for (truth, found), n in pairs.most_common(_CONFUSIONS)]
    return ", ".join(texts) or "none"


def _mistakes(labels: list[str], tested: pd.DataFrame, answers: Answers) -> str:
    confidence = answers.probabilities.max(axis=1)
    worst = np.argsort(np.where(answers.found == answers.truth, 1, -confidence), kind="stable")[:_MISTAKES]
    names = [_plain(label) for label in labels]
    return "\n".join(
        f"| {_plain(Path(tested['path'].iloc[row]).name)} | {names[answers.truth[row]]} | {names[answers.found[row]]} "
        f"| {confidence[row]:.2f} |"
        for row in worst
        if answers.found[row] != answers.truth[row]
    )
