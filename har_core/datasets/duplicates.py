"""Photos that are the same, or nearly.

Exact duplicates have the same bytes. Near-duplicates (resized, recompressed, lightly retouched) have perceptual hashes
that differ in few of 64 bits, in two hashes at once: one of the photo's low frequencies, one of its gradients. Either
alone confuses photos of plain scenes. Source: Zauner 2010, "Implementation and Benchmarking of Perceptual Image Hash
Functions".
"""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from har_core.config import cores

# Largest number of differing bits, of 64.
PHASH_BITS = 8
DHASH_BITS = 10

_BLOCK = 64
_FEW = 8  # What is compared with all others at a time stays in the processor's cache.

Pairs = npt.NDArray[np.int64]


def exact_groups(manifest: pd.DataFrame) -> list[list[int]]:
    """Rows that have the same bytes, group by group."""
    return _groups(manifest["id"].to_numpy())


def near_pairs(manifest: pd.DataFrame, first: int | None = None) -> Pairs:
    """Pairs of rows that nearly show the same, without those of the same bytes.

    Args:
        manifest: With ``id``, ``phash`` and ``dhash``.
        first: Only pairs with one of so many first rows; all pairs when absent.

    Returns:
        int64 ``(n, 2)``, the smaller row first.
    """
    phash, dhash, identity = (_unsigned(manifest["phash"]), _unsigned(manifest["dhash"]), manifest["id"].to_numpy())

    def pairs_from(start: int) -> Pairs:
        block = slice(start, start + _BLOCK)
        close = np.bitwise_count(phash[block, None] ^ phash[None, start:]) <= PHASH_BITS
        left, right = np.nonzero(close)
        left, right = left + start, right + start
        ordered = left < right
        left, right = left[ordered], right[ordered]
        both = np.bitwise_count(dhash[left] ^ dhash[right]) <= DHASH_BITS
        pairs = np.stack([left[both], right[both]], axis=1)
        return pairs[identity[pairs[:, 0]] != identity[pairs[:, 1]]]

    limit = len(manifest) if first is None else first
    # NumPy lets other threads run while it compares.
    with ThreadPoolExecutor(cores()) as pool:
        found = list(pool.map(pairs_from, range(0, limit, _BLOCK)))
    pairs = np.concatenate([np.empty((0, 2), np.int64), *found])
    return pairs[pairs[:, 0] < limit]


def shown_by(photos: pd.DataFrame, others: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which photos are the same as one of the others, or nearly.

    Args:
        photos: With ``id``, ``phash`` and ``dhash``.
        others: The same of the others.

    Returns:
        ``(n,)``.
    """
    found = np.array(photos["id"].isin(others["id"]), bool)
    others = others.drop_duplicates(["phash", "dhash"])
    phash, dhash = _unsigned(others["phash"]), _unsigned(others["dhash"])
    rest = photos[~found]
    own_phash, own_dhash = _unsigned(rest["phash"]), _unsigned(rest["dhash"])

    def is_near(start: int) -> npt.NDArray[np.bool_]:
        block = slice(start, start + _FEW)
        row, other = np.nonzero(np.bitwise_count(own_phash[block, None] ^ phash) <= PHASH_BITS)
        near = np.bitwise_count(own_dhash[block][row] ^ dhash[other]) <= DHASH_BITS
        return np.isin(np.arange(len(own_phash[block])), row[near])

    with ThreadPoolExecutor(cores()) as pool:
        blocks = list(pool.map(is_near, range(0, len(rest), _FEW)))
    found[~found] = np.concatenate([np.empty(0, bool), *blocks])
    return found


def clusters(manifest: pd.DataFrame, pairs: Pairs | None = None) -> npt.NDArray[np.int64]:
    """Numbers the photos so that those that must stay on one side of a split share a number.

    They do so when they have the same bytes, the same group, or are near-duplicates, also through others.

    Args:
        manifest: With ``id``, ``group``, ``phash`` and ``dhash``.
        pairs: What ``near_pairs`` gave for it, where that is known already.

    Returns:
        int64 ``(n,)``.
    """
    count = len(manifest)
    edges = [near_pairs(manifest) if pairs is None else pairs]
    for column in ("id", "group"):
        codes = pd.factorize(manifest[column])[0]
        first = pd.Series(range(count)).groupby(codes).transform("first").to_numpy()
        edges.append(np.stack([first, np.arange(count)], axis=1))
    return _connected(np.concatenate(edges), count)


def groups_of(pairs: Pairs, count: int) -> list[list[int]]:
    """Joins pairs of rows into groups, each sorted, in the order of their first rows."""
    return _groups(_connected(pairs, count)) if len(pairs) else []


def _connected(pairs: Pairs, count: int) -> npt.NDArray[np.int64]:
    """Numbers the rows: those that pairs join, also through others, share a number."""
    graph = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1].astype(np.int64)


def _groups(keys: npt.NDArray[Any]) -> list[list[int]]:
    """Rows that share a key with another one."""
    rows = pd.Series(range(len(keys)))
    return [list(group) for _, group in rows.groupby(keys) if len(group) > 1]


def _unsigned(hashes: pd.Series) -> npt.NDArray[np.uint64]:
    return np.fromiter((int(text, 16) for text in hashes), np.uint64, len(hashes))
