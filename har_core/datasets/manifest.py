"""A dataset's manifest: one row a photo.

=========== ====================================================================================
id          SHA-256 of the file's bytes, hex: the photo's identity; file names repeat
path        where the file lies, absolute; unique
label       what is being done; missing: unlabelled
split       ``train``, ``val`` or ``test``; missing: not assigned
group       photos that show the same scene share it
source      which set or folder the photo came from
width       of the upright photo, pixels
height      of the upright photo, pixels
phash       perceptual hash (discrete cosine transform), 16 hex digits
dhash       perceptual hash (gradients), 16 hex digits
brightness  mean luma, 0–255
contrast    standard deviation of the luma, 0–127
sharpness   variance of the Laplacian at 256 px
=========== ====================================================================================

The effective manifest, after fixes, also has ``excluded``, ``kept`` (looked at and found right) and ``fixed``: bool.
"""

import hashlib
from collections.abc import Sequence

import pandas as pd

SPLITS = ("train", "val", "test")
TEXT_COLUMNS = ("id", "path", "label", "split", "group", "source", "phash", "dhash")
NUMBER_COLUMNS = {
    "width": "int32",
    "height": "int32",
    "brightness": "float32",
    "contrast": "float32",
    "sharpness": "float32",
}
COLUMNS = (*TEXT_COLUMNS, *NUMBER_COLUMNS)


def from_rows(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Makes a manifest, with the columns' types, from one mapping a photo."""
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.astype(dict.fromkeys(TEXT_COLUMNS, "string") | NUMBER_COLUMNS)


def included(manifest: pd.DataFrame) -> pd.DataFrame:
    """The photos that no fix excludes."""
    return manifest[~manifest["excluded"]]


def taught(manifest: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """The photos that a model with these labels is trained, calibrated and tested on; its bundle has their fingerprint.

    Args:
        manifest: The effective manifest.
        labels: Those of the model.
    """
    photos = included(manifest)
    return photos[photos["label"].isin(labels) & photos["split"].notna()]


def fingerprint(manifest: pd.DataFrame) -> str:
    """SHA-256 over the photos' bytes, labels, groups and splits, whatever their order and place."""
    # As lists: going through a column of pandas's strings one by one takes three times as long.
    columns = [manifest[name].fillna("").tolist() for name in ("id", "label", "group", "split")]
    lines = sorted(map("\t".join, zip(*columns, strict=True)))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
