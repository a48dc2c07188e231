"""Decoded photos → augmented batches, the same ones whenever an epoch is repeated."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.recipe import Augmentation

UInt8 = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.integer]
Floats = npt.NDArray[np.float32]

_GREY = 127.0
_DRAWS = 12

_Batch = tuple[Any, Any]


@dataclass(frozen=True)
class Examples:
    """Photos with their targets.

    Attributes:
        photos: uint8 ``(n, S, S, 3)``, perhaps memory-mapped; nothing but the batches at hand is read.
        rows: Those of ``photos`` that are meant ``(m,)``.
        targets: One-hot, float32 ``(m, labels)``, for each of ``rows``.
    """

    photos: UInt8
    rows: Indices
    targets: Floats


def epoch(examples: Examples, options: Augmentation, batch_size: int, seed: tuple[int, int]) -> tf.data.Dataset:
    """One epoch of shuffled, augmented batches, made on all cores while the network is busy.

    Args:
        examples: What to train on.
        options: What to vary, and how much.
        batch_size: Photos in a batch; the last one may be smaller.
        seed: Of the training, and the epoch's number; they determine all of it.

    Yields:
        float32 ``(batch, S, S, 3)`` in 0–255, and targets ``(batch, labels)``.
    """
    photos, rows, targets = examples.photos, examples.rows, examples.targets
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(rows))

    def batches() -> Iterator[tuple[UInt8, Floats, npt.NDArray[np.int32]]]:
        for start in range(0, len(order), batch_size):
            chosen = order[start : start + batch_size]
            # The batch's seed travels with it, so that it does not matter which core augments which batch.
            yield photos[rows[chosen]], targets[chosen], np.array([seed[0] ^ seed[1] << 20, start], np.int32)

    size, labels = photos.shape[1], targets.shape[1]
    signature = (
        tf.TensorSpec((None, size, size, 3), tf.uint8),
        tf.TensorSpec((None, labels), tf.float32),
        tf.TensorSpec((2,), tf.int32),
    )
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    dataset = dataset.map(augmenter(size, options), num_parallel_calls=tf.data.AUTOTUNE).prefetch(4)
    threads = tf.data.Options()
    # In the threads that compute the network, making batches would stall each step until the slowest is free again:
    # on two cores a step then takes twice as long.
    threads.threading.private_threadpool_size = max(1, len(os.sched_getaffinity(0)) - 1)
    return dataset.with_options(threads)


def augmenter(size: int, options: Augmentation) -> Callable[[Any, Any, Any], _Batch]:
    """What varies a batch: ``(photos uint8, targets, seed (2,)) → (photos float32, targets)``."""

    def augment(photos: Any, targets: Any, seed: Any) -> _Batch:
        # (batch, draws), uniform in 0–1.
        draws = tf.random.stateless_uniform((tf.shape(photos)[0], _DRAWS), seed)
        photos = _move(tf.cast(photos, tf.float32), draws[:, :5], size, options)
        photos = _colour(photos, draws[:, 5:8], options)
        if options.erase:
            photos = tf.where(_squares(draws[:, 8:11] * [[1, 1, options.erase]], size), _GREY, photos)
        if options.mixup or options.cutmix:
            photos, targets = _mix(photos, targets, seed, size, options)
        return photos, targets

    return augment


def _move(photos: Any, draws: Any, size: int, options: Augmentation) -> Any:
    """A random crop, rotation and mirroring, in one resampling."""
    side = options.crop + draws[:, 0] * (1 - options.crop)
    last = float(size - 1)
    # Where the crop's centre lies, and the axes of the result, in pixels of the photo.
    x, y = ((side / 2 + draws[:, place] * (1 - side)) * last for place in (1, 2))
    angle = (2 * draws[:, 3] - 1) * (options.rotate * np.pi / 180)
    mirrored = tf.where(draws[:, 4] < 0.5, -1.0, 1.0) if options.flip else tf.ones_like(side)
    xx, xy = side * tf.cos(angle) * mirrored, -side * tf.sin(angle)
    yx, yy = side * tf.sin(angle) * mirrored, side * tf.cos(angle)
    half = last / 2
    zero = tf.zeros_like(side)
    transforms = tf.stack(
        [xx, xy, x - half * (xx + xy), yx, yy, y - half * (yx + yy), zero, zero], axis=1
    )  # fmt: skip
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=photos,
        transforms=transforms,
        output_shape=(size, size),
        fill_value=_GREY,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _colour(photos: Any, draws: Any, options: Augmentation) -> Any:
    """Random contrast, brightness and saturation."""
    strengths = tf.constant([options.jitter, options.jitter, options.saturation])
    gains = (1 + strengths * (2 * draws - 1))[:, :, None, None, None]
    mean = tf.reduce_mean(photos, axis=(1, 2, 3), keepdims=True)
    photos = ((photos - mean) * gains[:, 0] + mean) * gains[:, 1]
    if options.saturation:
        grey = tf.reduce_mean(photos, axis=3, keepdims=True)
        photos = (photos - grey) * gains[:, 2] + grey
    return tf.clip_by_value(photos, 0, 255)


def _squares(draws: Any, size: int) -> Any:
    """A square in each image: bool ``(batch, size, size, 1)``.

    Args:
        draws: Its centre and its side as shares of the image's ``(batch, 3)``.
        size: The image's side, pixels.
    """
    places = (tf.range(size, dtype=tf.float32)[None] + 0.5) / float(size)
    x, y = (tf.abs(places - draws[:, place, None]) < draws[:, 2, None] / 2 for place in (0, 1))
    return (y[:, :, None] & x[:, None, :])[..., None]


def _mix(photos: Any, targets: Any, seed: Any, size: int, options: Augmentation) -> _Batch:
    """Mixes each photo with the next one of the batch, by mixup or CutMix; where both are wanted, a coin decides."""
    others, other_targets = tf.roll(photos, 1, axis=0), tf.roll(targets, 1, axis=0)

    def mixup() -> _Batch:
        share = _beta(options.mixup, seed)
        return share * photos + (1 - share) * others, share * targets + (1 - share) * other_targets

    def cutmix() -> _Batch:
        wanted = tf.sqrt(1 - _beta(options.cutmix, seed))
        centre = tf.random.stateless_uniform((1, 2), seed + 1)
        pasted = _squares(tf.concat([centre, [[wanted]]], axis=1), size)
        # The square may reach over the edge: what counts is what is to be seen of it.
        share = 1 - tf.reduce_mean(tf.cast(pasted, tf.float32))
        return tf.where(pasted, others, photos), share * targets + (1 - share) * other_targets

    if not options.cutmix:
        return mixup()
    if not options.mixup:
        return cutmix()
    return tf.cond(tf.random.stateless_uniform((), seed + 2) < 0.5, mixup, cutmix)


def _beta(parameter: float, seed: Any) -> Any:
    """A draw from the symmetric Beta distribution."""
    gammas = tf.random.stateless_gamma((2,), seed + 3, parameter)
    return gammas[0] / (gammas[0] + gammas[1])
