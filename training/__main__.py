"""``python -m training RECIPE DATASET``: trains a recipe on a dataset, which is split first where it is not yet."""

import logging
import sys
from pathlib import Path

from har_core.config import settings
from har_core.datasets import store
from har_core.datasets.split import split_dataset
from training import recipe
from training.run import train

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    dataset = store.load(sys.argv[2])
    if dataset.base()["split"].isna().all():
        split_dataset(dataset, val=0.15, test=0.15)
    bundle = train(recipe.load(Path(sys.argv[1])), dataset, settings().shipped_models)
    print(bundle.folder)
