"""Decoded photos → augmented batches, the same ones whenever an epoch is repeated."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from training.recipe import Augmentation, Regularization

UInt8 = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float32]
Batch = tuple[Floats, Floats, Floats]

_GREY = 127
_QUALITIES = (30, 91)
# Photos are varied side by side, each by one thread; OpenCV's own threads would only be in their way.
cv2.setNumThreads(1)


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
        variations = [_draw(options, rng) for _ in chosen]
        begin, end = share.of(len(chosen))
        # The photo before the share's first one is mixed into it.
        extra = int(share.workers > 1)
        mine = np.arange(begin - extra, end) % len(chosen)
        wanted = chosen[mine]
        photos = np.stack(
            [
                _vary(photo, variations[at])
                for at, photo in zip(mine, examples.photos[examples.rows[wanted]], strict=True)
            ]
        )
        photos, (targets, weights) = _mix(photos, (examples.targets[wanted], examples.weights[wanted]), options, rng)
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


class _Variation(NamedTuple):
    """What was drawn for one photo.

    Attributes:
        side: Of the crop, as a share of the photo's.
        centre: Of the crop, as shares of the photo's side ``(2,)``.
        angle: Radians.
        mirrored: -1 or 1.
        colours: Factors of contrast, brightness and saturation ``(3,)``.
        quality: Of the JPEG; None where it is not compressed.
        square: Centre ``(2,)`` and side of the grey square, as shares of the photo's side; None where there is none.
    """

    side: float
    centre: npt.NDArray[np.float64]
    angle: float
    mirrored: int
    colours: npt.NDArray[np.float64]
    quality: int | None
    square: tuple[npt.NDArray[np.float64], float] | None


def _draw(options: Augmentation, rng: np.random.Generator) -> _Variation:
    side = rng.uniform(options.crop, 1)
    centre = rng.uniform(side / 2, 1 - side / 2, 2)
    angle = np.radians(rng.uniform(-1, 1) * options.rotate)
    mirrored = -1 if options.flip and rng.random() < 0.5 else 1
    colours = 1 + np.array((options.jitter, options.jitter, options.saturation)) * rng.uniform(-1, 1, 3)
    is_compressed = bool(options.compress) and rng.random() < options.compress
    quality = int(rng.integers(*_QUALITIES)) if is_compressed else None
    square = (rng.random(2), rng.uniform(0, options.erase)) if options.erase else None
    return _Variation(side, centre, angle, mirrored, colours, quality, square)


def _vary(photo: UInt8, variation: _Variation) -> UInt8:
    """A photo as it might also have been taken: uint8 ``(S, S, 3)``, as given."""
    photo = _recolour(_move(photo, variation), variation)
    if variation.quality is not None:
        photo = _compress(photo, variation.quality)
    if variation.square:
        rows, columns = _square(*variation.square, len(photo))
        photo[rows, columns] = _GREY
    return photo


def _move(photo: UInt8, variation: _Variation) -> UInt8:
    """A crop, rotation and mirroring, in one resampling."""
    side, angle, mirrored = variation.side, variation.angle, variation.mirrored
    last = len(photo) - 1
    # Where the crop's centre lies, and the axes of the result, in pixels of the photo.
    centre = variation.centre * last
    axes = side * np.array(
        [[mirrored * np.cos(angle), -np.sin(angle)], [mirrored * np.sin(angle), np.cos(angle)]],
    )
    transform = np.column_stack([axes, centre - axes @ (last / 2, last / 2)])
    moved = cv2.warpAffine(
        photo, transform, photo.shape[:2], flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(moved, np.uint8)


def _recolour(photo: UInt8, variation: _Variation) -> UInt8:
    """Other contrast, brightness and saturation, in one transformation of colours."""
    contrast, brightness, saturation = variation.colours
    mean = float(np.mean(cv2.mean(photo)[:3]))
    # Saturation moves each channel away from, or towards, the mean of the three.
    mixing = saturation * np.eye(3) + (1 - saturation) / 3
    matrix = np.column_stack([brightness * contrast * mixing, np.full(3, brightness * mean * (1 - contrast))])
    return np.asarray(cv2.transform(photo, matrix), np.uint8)


def _compress(photo: UInt8, quality: int) -> UInt8:
    """What JPEG leaves of a photo."""
    bgr = cv2.cvtColor(photo, cv2.COLOR_RGB2BGR)
    _, payload = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(payload, cv2.IMREAD_COLOR_RGB), np.uint8)


def _square(centre: npt.NDArray[np.float64], side: float, size: int) -> tuple[slice, slice]:
    """The rows and columns of a square.

    Args:
        centre: Shares of the image's side ``(2,)``.
        side: Share of the image's side; what reaches over the edge is cut off.
        size: The image's side, pixels.
    """
    edges = np.clip([centre - side / 2, centre + side / 2], 0, 1)
    (top, left), (bottom, right) = np.rint(edges * size).astype(int)
    return slice(top, bottom), slice(left, right)


def _mix(
    photos: UInt8, targets: Sequence[Floats], options: Augmentation, rng: np.random.Generator
) -> tuple[UInt8, Sequence[Floats]]:
    """Mixes each photo with the next one of the batch, by mixup or CutMix; where both are wanted, a coin decides.

    What belongs to a photo is mixed like it.
    """
    ways = [way for way, wanted in ((_mixup, options.mixup), (_cutmix, options.cutmix)) if wanted]
    if not ways:
        return photos, targets
    photos, share = ways[rng.integers(len(ways))](photos, options, rng)
    return photos, [(share * one + (1 - share) * np.roll(one, 1, axis=0)).astype(np.float32) for one in targets]


def _mixup(photos: UInt8, options: Augmentation, rng: np.random.Generator) -> tuple[UInt8, float]:
    share = rng.beta(options.mixup, options.mixup)
    others = np.roll(photos, 1, axis=0)
    flat = (len(photos), -1)
    mixed = cv2.addWeighted(photos.reshape(flat), share, others.reshape(flat), 1 - share, 0)
    return np.asarray(mixed, np.uint8).reshape(photos.shape), share


def _cutmix(photos: UInt8, options: Augmentation, rng: np.random.Generator) -> tuple[UInt8, float]:
    side = np.sqrt(1 - rng.beta(options.cutmix, options.cutmix))
    rows, columns = _square(rng.random(2), side, photos.shape[1])
    mixed = photos.copy()
    mixed[:, rows, columns] = np.roll(photos, 1, axis=0)[:, rows, columns]
    # The square may reach over the edge: what counts is what is to be seen of it.
    pasted = (rows.stop - rows.start) * (columns.stop - columns.start) / photos.shape[1] ** 2
    return mixed, 1 - pasted
