"""Photos as they might also have been taken, made by OpenCV in bytes."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from training.recipe import Augmentation

UInt8 = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float32]

_GREY = 127
_QUALITIES = (30, 91)
# Photos are varied side by side, each by one thread; OpenCV's own threads would only be in their way.
cv2.setNumThreads(1)


class Variation(NamedTuple):
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


def draw(options: Augmentation, rng: np.random.Generator) -> Variation:
    """Draws how a photo is varied.

    Args:
        options: What to vary, and how much.
        rng: Determines it.
    """
    side = rng.uniform(options.crop, 1)
    centre = rng.uniform(side / 2, 1 - side / 2, 2)
    angle = np.radians(rng.uniform(-1, 1) * options.rotate)
    mirrored = -1 if options.flip and rng.random() < 0.5 else 1
    colours = 1 + np.array((options.jitter, options.jitter, options.saturation)) * rng.uniform(-1, 1, 3)
    is_compressed = bool(options.compress) and rng.random() < options.compress
    quality = int(rng.integers(*_QUALITIES)) if is_compressed else None
    square = (rng.random(2), rng.uniform(0, options.erase)) if options.erase else None
    return Variation(side, centre, angle, mirrored, colours, quality, square)


def vary(photo: UInt8, variation: Variation) -> UInt8:
    """A photo as it might also have been taken.

    Args:
        photo: uint8 ``(S, S, 3)``.
        variation: As ``draw`` gives it.

    Returns:
        uint8 ``(S, S, 3)``.
    """
    photo = _recolour(_move(photo, variation), variation)
    if variation.quality is not None:
        photo = _compress(photo, variation.quality)
    if variation.square:
        rows, columns = _square(*variation.square, len(photo))
        photo[rows, columns] = _GREY
    return photo


def _move(photo: UInt8, variation: Variation) -> UInt8:
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


def _recolour(photo: UInt8, variation: Variation) -> UInt8:
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


def mix(
    photos: UInt8, targets: Sequence[Floats], options: Augmentation, rng: np.random.Generator
) -> tuple[UInt8, Sequence[Floats]]:
    """Mixes each photo with the next one of the batch, by mixup or CutMix; where both are wanted, a coin decides.

    Args:
        photos: uint8 ``(n, S, S, 3)``.
        targets: What belongs to the photos and is mixed like them, each float32 with n rows.
        options: Whether to mix, and how much.
        rng: Determines it.
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
