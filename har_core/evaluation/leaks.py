"""Photos that a model has seen while it was made: its answers for them say nothing of how good it is."""

import io

import pandas as pd

from har_core import bundle as bundles
from har_core.bundle import Bundle
from har_core.datasets import duplicates
from har_core.datasets.manifest import fingerprint, taught
from har_core.errors import BundleBroken

# Of a bundle's list; as in a dataset's manifest. No split: learnt from, without a label.
COLUMNS = ("id", "phash", "dhash", "split")

_HASH = "[0-9a-f]{1,16}"


def trained_on(bundle: Bundle) -> pd.DataFrame:
    """The photos that a model was trained or calibrated on: the columns ``COLUMNS``, as text.

    Raises:
        BundleBroken: The list was changed since the bundle was written, or is none.
    """
    content = bundle.read(bundles.TRAINED_ON)
    try:
        listed = pd.read_csv(io.BytesIO(content), dtype="string")[list(COLUMNS)]
        is_sound = listed["phash"].str.fullmatch(_HASH) & listed["dhash"].str.fullmatch(_HASH)
    except (ValueError, KeyError):
        is_sound = pd.Series([False])
    if not is_sound.fillna(False).all():
        raise BundleBroken(f"{bundle.folder.name}: {bundles.TRAINED_ON} is damaged.")
    return listed


def are_known(bundle: Bundle) -> bool:
    """Whether a bundle carries the list of what its model has seen; older ones do not."""
    return bundles.TRAINED_ON in bundle.info.sha256


def seen(bundle: Bundle, photos: pd.DataFrame, manifest: pd.DataFrame) -> pd.Series:
    """Which photos a model was trained or calibrated on: the same bytes, or a near-duplicate.

    Where the bundle carries no list, but was made from this very dataset with the labels and the split that it has now,
    these are the photos of ``train`` and ``val``. Otherwise none is known.

    Args:
        bundle: The model.
        photos: The photos asked about: rows of the manifest.
        manifest: The dataset's effective manifest, without what is excluded.

    Returns:
        bool, by row of ``photos``.

    Raises:
        BundleBroken: The list is damaged.
    """
    listed = trained_on(bundle) if are_known(bundle) else _taught_with(bundle, manifest)
    return pd.Series(duplicates.shown_by(photos, listed), photos.index)


def _taught_with(bundle: Bundle, manifest: pd.DataFrame) -> pd.DataFrame:
    used = taught(manifest, bundle.info.labels)
    if fingerprint(used) != bundle.info.dataset.get("fingerprint"):
        used = used.iloc[:0]
    return used[used["split"].isin(["train", "val"])]
