"""Photos → arrays, and arrays → augmented batches."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from har_core import images
from training.recipe import FineTune

UInt8 = npt.NDArray[np.uint8]


def load(paths: Sequence[str], size: int) -> UInt8:
    """Decodes and resizes photos exactly as serving does.

    Returns:
        uint8 ``(n, size, size, 3)``.
    """

    def one(path: str) -> UInt8:
        return images.resize(images.decode(images.read(Path(path)), min_side=size), size)

    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(one, paths)))


def batches(photos: UInt8, targets: npt.NDArray[np.float32], options: FineTune, seed: int) -> tf.data.Dataset:
    """Endless epochs of shuffled, augmented batches: random crop, horizontal flip, brightness and contrast.

    Args:
        photos: uint8 ``(n, S, S, 3)``.
        targets: One-hot ``(n, labels)``.
        options: Batch size and strength of the augmentation.
        seed: Of shuffling and augmentation.

    Yields:
        float32 ``(batch, S, S, 3)`` in 0–255, and targets ``(batch, labels)``.
    """
    augment = _augmenter(photos.shape[1], options, seed)
    dataset = tf.data.Dataset.from_tensor_slices((photos, targets)).shuffle(len(photos), seed=seed)
    return dataset.batch(options.batch_size).map(augment, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def _augmenter(
    size: int, options: FineTune, seed: int
) -> Callable[[tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    random = tf.random.Generator.from_seed(seed)

    def augment(photos: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        count = tf.shape(photos)[0]
        side = random.uniform((count, 2), options.crop, 1.0)
        top_left = random.uniform((count, 2)) * (1 - side)
        boxes = tf.concat([top_left, top_left + side], axis=1)
        # A box whose right edge lies left of its left edge comes out mirrored.
        mirrored = tf.gather(boxes, [0, 3, 2, 1], axis=1)
        boxes = tf.where(random.uniform((count, 1)) < 0.5, mirrored, boxes)
        photos = tf.image.crop_and_resize(tf.cast(photos, tf.float32), boxes, tf.range(count), (size, size))
        gain = random.uniform((2, count, 1, 1, 1), 1 - options.jitter, 1 + options.jitter)
        mean = tf.reduce_mean(photos, axis=(1, 2, 3), keepdims=True)
        return tf.clip_by_value(((photos - mean) * gain[0] + mean) * gain[1], 0, 255), targets

    return augment
