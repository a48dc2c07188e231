"""Photos that a model has seen while it was made: its answers for them say nothing of how good it is."""

import io

import numpy as np
import numpy.typing as npt
import pandas as pd

from har_core import bundle as bundles
from har_core.bundle import Bundle
from har_core.datasets import duplicates
from har_core.datasets.manifest import fingerprint, taught
from har_core.errors import BundleBroken

# Of a bundle's list; as in a dataset's manifest. No split: learnt from, without a label.
COLUMNS = ("id", "phash", "dhash", "split")

Mask = npt.NDArray[np.bool_]

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


def seen(bundle: Bundle, photos: pd.DataFrame) -> Mask:
    """Which photos a model was trained or calibrated on, by the bundle's list: the same bytes, or a near-duplicate.

    Args:
        bundle: The model; none is known to be seen where it carries no list.
        photos: Rows of a manifest.

    Returns:
        ``(n,)``.

    Raises:
        BundleBroken: The list is damaged.
    """
    if not are_known(bundle):
        return np.zeros(len(photos), bool)
    return duplicates.shown_by(photos, trained_on(bundle))


def made_from(bundle: Bundle, photos: pd.DataFrame, manifest: pd.DataFrame) -> Mask:
    """The same for a bundle without a list, where it was made from this very dataset, as labelled and split now.

    What it has seen are then the photos of ``train`` and ``val``. Otherwise none is known to be seen.

    Args:
        bundle: The model.
        photos: Rows of the manifest.
        manifest: The dataset's effective manifest.

    Returns:
        ``(n,)``.
    """
    used = taught(manifest, bundle.info.labels)
    if are_known(bundle) or fingerprint(used) != bundle.info.dataset.get("fingerprint"):
        return np.zeros(len(photos), bool)
    return duplicates.shown_by(photos, used[used["split"].isin(["train", "val"])])
