"""Writes a model's card."""

import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from har_core.bundle import BundleInfo
from har_core.evaluation.metrics import Answers
from training.recipe import Recipe

_METRIC_NAMES = {
    "accuracy": "Accuracy",
    "macro_f1": "Macro-F1",
    "ece": "Calibration error (ECE, 15 bins)",
    "sure_share": "Share of photos answered \"sure\"",
    "sure_accuracy": "Accuracy among the sure ones",
}  # fmt: skip

# What is known of the sets that the project's own models come from.
_SOURCES = {
    "flickr8k": "Flickr8k (Hodosh, Young and Hockenmaier 2013), a research set of photos from Flickr. Labelled from "
    "its captions (at least three of five name the action and none another; a few percent are wrong) or by hand.",
    "willow": "Willow Actions (Delaitre, Laptev and Sivic 2010), a research set of photos from Flickr, cropped to the "
    "person. Labelled by the set.",
}

_CARD = """# {name}, version {version}

Names what a person does in a photo: one of {count} labels, with a calibrated probability, and "unsure" where it may
well be wrong.

- **Network**: {backbone}, {size} × {size} px, {start}{tuned}; serves in {form}.
- **Made** {created} from code revision `{revision}`, dataset fingerprint `{fingerprint}`.
- **Meant for**: sorting and searching photos, teaching, prototypes. **Not for** decisions about a person (surveillance,
  hiring, insurance, policing), nor where a wrong answer can hurt someone.

## Figures

On the test split: {n} photos, none of which shares a scene with one that was trained on. 95 % intervals by bootstrap.

| figure | value | 95 % interval |
| --- | --- | --- |
{metrics}

"Sure" means a probability of at least {threshold:.3f}, chosen on validation so that {precision:.0%} of the sure answers
are right.

| label | photos | in test | precision | recall | F1 |
| --- | --- | --- | --- | --- | --- |
{labels}

## Data

{photos} photos. The photos themselves are not part of this project.

{sources}

Labels with fewer than {min_photos} photos were left out: {left_out}.

## Limits

- A label with few test photos has a figure that says little: read the table's third column first.
- The photo must show someone doing something of the list. Other photos mostly come out unsure, not always.
- One label a photo: several people doing different things get one answer. Small or half-hidden people, unusual clothing
  and children are poorly represented.
- Flickr's photographers are not the world: expect worse answers where scenes look different from theirs.
"""


def render(info: BundleInfo, manifest: pd.DataFrame, answers: Answers) -> str:
    """The card as Markdown.

    Args:
        info: The bundle's description, with its evaluation.
        manifest: All photos, with ``label`` and ``source``.
        answers: On the test split.
    """
    recipe = Recipe.model_validate(info.recipe)
    shares = [phase.train_share for phase in recipe.phases]
    return _CARD.format(
        name=info.name,
        version=info.version,
        count=len(info.labels),
        backbone=recipe.backbone,
        size=info.input_size,
        created=info.created[:10],
        revision=info.code_revision,
        fingerprint=str(info.dataset["fingerprint"])[:16],
        n=info.evaluation.n,
        metrics="\n".join(
            f"| {_METRIC_NAMES[key]} | {metric.value:.3f} | {metric.low:.3f}–{metric.high:.3f} |"
            for key, metric in info.evaluation.metrics.items()
        ),
        threshold=info.thresholds.confidence,
        precision=info.thresholds.precision,
        labels=_label_table(info.labels, manifest, answers),
        photos=len(manifest),
        start={"imagenet": "pretrained on ImageNet", "random": "from random weights"}.get(
            recipe.start, f"starting from the model {recipe.start}"
        ),
        tuned=f", the upper {max(shares):.0%} fine-tuned" if shares else "",
        form=info.precision,
        sources="\n".join(
            f"- {source}, {count} photos. {_SOURCES.get(str(source), '')}".rstrip()
            for source, count in manifest["source"].value_counts().items()
        ),
        left_out=info.dataset["labels_left_out"] or "none",
        min_photos=recipe.min_photos,
    )


def _label_table(labels: list[str], manifest: pd.DataFrame, answers: Answers) -> str:
    precision, recall, f1, support = precision_recall_fscore_support(
        answers.truth, answers.found, labels=range(len(labels)), zero_division=0
    )
    photos = manifest["label"].value_counts()
    return "\n".join(
        f"| {label} | {photos[label]} | {support[i]} | {precision[i]:.2f} | {recall[i]:.2f} | {f1[i]:.2f} |"
        for i, label in enumerate(labels)
    )
