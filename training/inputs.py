"""Decoded photos → augmented batches."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from training.recipe import FineTune

UInt8 = npt.NDArray[np.uint8]


def batches(photos: UInt8, targets: npt.NDArray[np.float32], options: FineTune, seed: int) -> tf.data.Dataset:
    """One epoch of shuffled, augmented batches, another one each time it is run through.

    Augmentation is a random crop, a horizontal flip, and a change of brightness and contrast.

    Args:
        photos: uint8 ``(n, S, S, 3)``.
        targets: One-hot ``(n, labels)``.
        options: Batch size and strength of the augmentation.
        seed: Of shuffling and augmentation.

    Yields:
        float32 ``(batch, S, S, 3)`` in 0–255, and targets ``(batch, labels)``.
    """
    dataset = tf.data.Dataset.from_tensor_slices((photos, targets)).shuffle(len(photos), seed=seed)
    # Seeds travel with the batches, so that the result does not depend on which core augments which batch.
    seeds = tf.data.Dataset.random(seed, rerandomize_each_iteration=True).batch(2, drop_remainder=True)
    batches_and_seeds = tf.data.Dataset.zip(dataset.batch(options.batch_size), seeds)
    augment = _augmenter(photos.shape[1], options)
    return batches_and_seeds.map(augment, num_parallel_calls=tf.data.AUTOTUNE).prefetch(2)


def _augmenter(
    size: int, options: FineTune
) -> Callable[[tuple[tf.Tensor, tf.Tensor], tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    def augment(batch: tuple[tf.Tensor, tf.Tensor], seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        photos, targets = batch
        count = tf.shape(photos)[0]
        draw = tf.random.stateless_uniform((count, 7), tf.cast(seed, tf.int32))
        side = options.crop + draw[:, 0:2] * (1 - options.crop)
        top_left = draw[:, 2:4] * (1 - side)
        boxes = tf.concat([top_left, top_left + side], axis=1)
        # A box whose right edge lies left of its left edge comes out mirrored.
        mirrored = tf.gather(boxes, [0, 3, 2, 1], axis=1)
        boxes = tf.where(draw[:, 4:5] < 0.5, mirrored, boxes)
        photos = tf.image.crop_and_resize(tf.cast(photos, tf.float32), boxes, tf.range(count), (size, size))
        gain = 1 + options.jitter * (2 * draw[:, 5:7, None, None, None] - 1)
        mean = tf.reduce_mean(photos, axis=(1, 2, 3), keepdims=True)
        return tf.clip_by_value(((photos - mean) * gain[:, 0] + mean) * gain[:, 1], 0, 255), targets

    return augment
