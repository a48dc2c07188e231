import numpy as np
import pytest

from training import inputs
from training.recipe import Augmentation, Regularization

STILL = {"crop": 1, "jitter": 0}


def photos(count=10, size=16):
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


def examples(images, rows=None):
    """Each photo with a target of its own."""
    rows = np.arange(len(images)) if rows is None else rows
    return inputs.Examples(images, rows, np.eye(len(rows), dtype=np.float32), np.ones(len(rows), np.float32))


def epoch(options=None, seed=(0, 1), count=10, batch_size=4):
    batches = list(inputs.epoch(examples(photos(count)), options or Augmentation(), batch_size, seed))
    return np.concatenate([images for images, *_ in batches]), np.concatenate([targets for _, targets, _ in batches])


STRONG = Augmentation(rotate=30, saturation=0.5, erase=0.5, compress=0.5, mixup=0.5, cutmix=0.5)


@pytest.mark.parametrize("options", [Augmentation(), STRONG])
def test_every_photo_comes_once_in_range_and_with_its_target(options):
    images, targets = epoch(options)
    assert images.shape == (10, 16, 16, 3)
    assert 0 <= images.min() <= images.max() <= 255
    assert targets.sum(axis=1) == pytest.approx(1)
    assert targets.sum(axis=0).sum() == pytest.approx(10)
    if options is not STRONG:
        assert sorted(targets.argmax(axis=1)) == list(range(10))


def test_only_the_rows_asked_for_are_used():
    wanted = np.array([7, 2, 5])
    ((images, targets, _),) = inputs.epoch(examples(photos(), wanted), Augmentation(flip=False, **STILL), 8, (0, 1))
    for image, target in zip(images, targets, strict=True):
        assert np.array_equal(image, photos()[wanted[target.argmax()]])


def test_without_variation_a_photo_is_itself_or_its_mirror():
    images, targets = epoch(Augmentation(**STILL), count=40)
    mirrored = 0
    for image, number in zip(images, targets.argmax(axis=1), strict=True):
        wanted = photos(40)[number].astype(np.float32)
        is_mirror = np.allclose(image, wanted[:, ::-1], atol=0.1)
        assert is_mirror or np.allclose(image, wanted, atol=0.1)
        mirrored += is_mirror
    assert 8 < mirrored < 32


def test_a_compressed_photo_still_shows_the_same_in_the_same_colours():
    smooth = np.zeros((8, 64, 64, 3), np.uint8)
    smooth[..., 0] = np.linspace(40, 220, 64, dtype=np.uint8)
    smooth[..., 2] = np.linspace(200, 20, 64, dtype=np.uint8)[:, None]
    ((images, *_),) = inputs.epoch(examples(smooth), Augmentation(flip=False, compress=1, **STILL), 8, (0, 1))
    differences = np.abs(images - smooth.astype(np.float32))
    assert 0 < differences.mean() < 6
    assert len({image.tobytes() for image in images}) > 4, "each has a quality of its own"


def test_a_mixed_photo_is_made_of_the_two_that_its_target_names():
    images, targets = epoch(Augmentation(flip=False, mixup=1, **STILL))
    for image, target in zip(images, targets, strict=True):
        wanted = (target[:, None, None, None] * photos()).sum(axis=0)
        assert image == pytest.approx(wanted, abs=0.6)


def test_a_pasted_photo_shows_as_much_of_each_as_its_target_says():
    images, targets = epoch(Augmentation(flip=False, cutmix=1, **STILL))
    for image, target in zip(images, targets, strict=True):
        for number in np.flatnonzero(target):
            shown = (image == photos()[number]).all(axis=-1).mean()
            assert shown == pytest.approx(target[number], abs=0.02)


def test_labels_are_smoothed_and_rare_ones_count_more_where_that_is_wanted():
    truth = np.array([0, 0, 0, 1])
    plain, balanced = (
        inputs.Examples.labelled(
            photos(4), np.arange(4), truth, 2, Regularization(label_smoothing=0.1, balance=balance)
        )
        for balance in (0, 1)
    )
    assert plain.targets == pytest.approx(np.array([[0.95, 0.05]] * 3 + [[0.05, 0.95]]))
    assert plain.weights == pytest.approx(np.ones(4))
    assert balanced.weights == pytest.approx(np.array([1, 1, 1, 3]) * 4 / 6)
    ((_, targets, weights),) = inputs.epoch(balanced, Augmentation(mixup=1, **STILL), 4, (0, 1))
    assert weights == pytest.approx(2 / 3 + (targets[:, 1] - 0.05) / 0.9 * 4 / 3, abs=1e-5), "mixed like the photos"


def test_seed_and_number_determine_an_epoch():
    one, again = epoch(STRONG, (3, 5)), epoch(STRONG, (3, 5))
    assert np.array_equal(one[0], again[0])
    assert np.array_equal(one[1], again[1])
    for other in ((3, 6), (4, 5)):
        assert not np.array_equal(one[1], epoch(STRONG, other)[1])
