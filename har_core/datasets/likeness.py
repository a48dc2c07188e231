"""Which photos look alike: the nearest ones of a photo, and a map of them all."""

from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt

from har_core.datasets import cache
from har_core.datasets.arrays import writing
from har_core.datasets.store import Dataset
from har_core.files import write_beside
from har_core.litert import Floats

Rows = npt.NDArray[np.intp]

_BLOCK = 4096
_MAP_DIMENSIONS = 50
_SEED = 0


def similar(embeddings: npt.NDArray[np.floating], row: int, count: int) -> Rows:
    """The photos that look most like one of them, by cosine similarity.

    Args:
        embeddings: ``(n, d)``.
        row: The photo.
        count: How many to find.

    Returns:
        Their rows, most alike first, without the photo itself and without rows of zeros.
    """
    photo = embeddings[row].astype(np.float32)
    lengths, products = np.empty(len(embeddings), np.float32), np.empty(len(embeddings), np.float32)
    # Block by block: a copy of them all could take half a gigabyte.
    for start in range(0, len(embeddings), _BLOCK):
        block = embeddings[start : start + _BLOCK].astype(np.float32)
        lengths[start : start + _BLOCK] = np.linalg.norm(block, axis=1)
        products[start : start + _BLOCK] = block @ photo
    candidates = np.flatnonzero(lengths)
    candidates = candidates[candidates != row]
    # Dividing by the photo's own length would change no order.
    likeness = products[candidates] / lengths[candidates]
    return candidates[np.argsort(-likeness, kind="stable")[:count]]


def layout(dataset: Dataset, limit: int = 3000) -> tuple[Rows, Floats]:
    """A map to look at, on which photos that look alike lie close together.

    The embeddings are reduced to 50 dimensions by principal components and to two by t-SNE (van der Maaten and Hinton
    2008, https://jmlr.org/papers/v9/vandermaaten08a.html). Distances across the map mean nothing.

    Args:
        dataset: Whose photos.
        limit: Most photos on the map; of more, a random sample is drawn.

    Returns:
        The rows on the map ``(m,)``, ascending, and their places, float32 ``(m, 2)``.
    """
    file = cache.embeddings_file(dataset).with_suffix(f".map-{limit}.npz")
    try:
        with np.load(file) as kept:
            return kept["rows"], kept["xy"]
    except (OSError, ValueError, KeyError, BadZipFile):  # Not there, or damaged.
        pass
    vectors = cache.embeddings(dataset)
    rows = np.flatnonzero(vectors.any(axis=1))
    rows = np.sort(np.random.default_rng(_SEED).permutation(rows)[:limit])
    xy = _tsne(vectors[rows])
    with writing(file):
        write_beside(file, lambda beside: np.savez(beside, rows=rows, xy=xy))
    return rows, xy


def _tsne(vectors: Floats) -> Floats:
    # Takes seconds to import, and only the map needs it.
    from sklearn.decomposition import PCA  # noqa: PLC0415
    from sklearn.manifold import TSNE  # noqa: PLC0415

    count = len(vectors)
    if count < 4:  # Too few for neighbourhoods: side by side.
        return np.stack([np.arange(count), np.zeros(count)], axis=1).astype(np.float32)
    reduced = PCA(min(_MAP_DIMENSIONS, *vectors.shape), random_state=_SEED).fit_transform(vectors)
    tsne = TSNE(init="pca", perplexity=min(30, (count - 1) / 3), random_state=_SEED)
    return tsne.fit_transform(reduced).astype(np.float32)
