"""Photos that a model has seen while it was made: its answers for them say nothing of how good it is."""

import io

import pandas as pd

from har_core import bundle as bundles
from har_core.bundle import Bundle

# Of a bundle's list; as in a dataset's manifest. No split: learnt from, without a label.
COLUMNS = ("id", "phash", "dhash", "split")


def trained_on(bundle: Bundle) -> pd.DataFrame:
    """The photos that a model was trained or calibrated on: the columns ``COLUMNS``, as text.

    Raises:
        BundleBroken: The list was changed since the bundle was written.
    """
    return pd.read_csv(io.BytesIO(bundle.read(bundles.TRAINED_ON)), dtype="string")
