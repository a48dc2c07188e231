"""``python -m training RECIPE CSV``: trains a recipe on a labelled list of photos."""

import logging
import sys
from pathlib import Path

from har_core.config import settings
from har_core.datasets.manifest import read_csv
from training import recipe
from training.run import train

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    bundle = train(recipe.load(Path(sys.argv[1])), read_csv(Path(sys.argv[2])), settings().shipped_models)
    print(bundle.folder)
