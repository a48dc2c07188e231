"""Decoded photos → augmented batches, the same ones whenever an epoch is repeated."""

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from training import augment
from training.recipe import Augmentation, Regularization

UInt8 = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float32]
Batch = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class Examples:
    """Photos with their targets.

    Attributes:
        photos: uint8 ``(n, S, S, 3)``, perhaps memory-mapped; nothing but the batches at hand is read.
        rows: Those of ``photos`` that are meant ``(m,)``.
        targets: Probabilities of the labels, float32 ``(m, labels)``, for each of ``rows``.
        weights: How much each of them counts, float32 ``(m,)``; 1 on average.
    """

    photos: UInt8
    rows: Indices
    targets: Floats
    weights: Floats

    @classmethod
    def labelled(cls, photos: UInt8, rows: Indices, truth: Indices, labels: int, options: Regularization) -> "Examples":
        """Photos with labels, smoothed (Szegedy et al. 2016, https://arxiv.org/abs/1512.00567) and balanced.

        Args:
            photos: See the class.
            rows: See the class.
            truth: Label indices ``(m,)``.
            labels: How many there are.
            options: How much to smooth and to balance.
        """
        smoothing = options.label_smoothing
        targets = (1 - smoothing) * np.eye(labels, dtype=np.float32)[truth] + np.float32(smoothing / labels)
        weights = np.bincount(truth)[truth] ** -float(options.balance)
        return cls(photos, rows, targets, (weights / weights.mean()).astype(np.float32))


class Share(NamedTuple):
    """What one of several workers takes of each batch: a run of its photos, as many as the others or one more or less.

    Attributes:
        number: Which worker, counted from 0.
        workers: How many there are.
    """

    number: int = 0
    workers: int = 1

    def of(self, photos: int) -> tuple[int, int]:
        """Where it begins and ends in a batch of so many photos; empty where there are fewer photos than workers."""
        begin, end = (place * photos // self.workers for place in (self.number, self.number + 1))
        return begin, end


ALL = Share()


def epoch(
    examples: Examples, options: Augmentation, batch_size: int, seed: tuple[int, int], share: Share = ALL
) -> Iterator[Batch]:
    """One epoch of shuffled, augmented batches, made on other cores while the network is busy.

    Photos stay in bytes until the batch is complete, and OpenCV varies them: done with TensorFlow, in floats, it takes
    ten times the work, which a network that computes on the same cores feels.

    Args:
        examples: What to train on.
        options: What to vary, and how much.
        batch_size: Photos in a batch; the last one may be smaller.
        seed: Of the training, and the epoch's number; they determine all of it.
        share: What is wanted of each batch; the shares of all workers together are the batch, to the bit.

    Yields:
        float32 ``(batch, S, S, 3)`` in 0–255, targets ``(batch, labels)`` and weights ``(batch,)``; of a share, those
        of its photos.
    """
    order = np.random.default_rng(seed).permutation(len(examples.rows))

    def batch(start: int) -> Batch:
        # Each batch has a generator of its own, so that it does not matter which core makes which.
        rng = np.random.default_rng((*seed, start))
        chosen = order[start : start + batch_size]
        # Drawn for all, though perhaps not all are varied here: what is drawn does not depend on who varies what.
        variations = [augment.draw(options, rng) for _ in chosen]
        begin, end = share.of(len(chosen))
        # The photo before the share's first one is mixed into it.
        extra = int(share.workers > 1)
        mine = np.arange(begin - extra, end) % len(chosen)
        wanted = chosen[mine]
        photos = np.stack(
            [
                augment.vary(photo, variations[at])
                for at, photo in zip(mine, examples.photos[examples.rows[wanted]], strict=True)
            ]
        )
        photos, (targets, weights) = augment.mix(
            photos, (examples.targets[wanted], examples.weights[wanted]), options, rng
        )
        return photos[extra:].astype(np.float32), targets[extra:], weights[extra:]

    threads = max(1, len(os.sched_getaffinity(0)) - 1)
    pool = ThreadPoolExecutor(threads, thread_name_prefix="augment")
    ahead: deque[Future[Batch]] = deque()
    try:
        for start in range(0, len(order), batch_size):
            ahead.append(pool.submit(batch, start))
            if len(ahead) > 2 * threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)
