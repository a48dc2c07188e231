import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from har_core import images
from har_core.errors import FileUnreadable, ImageError
from tests.hostile import HOSTILE, jpeg

QUADRANTS = np.zeros((40, 60, 3), np.uint8)
QUADRANTS[:20, :30] = (255, 0, 0)
QUADRANTS[:20, 30:] = (0, 255, 0)
QUADRANTS[20:, :30] = (0, 0, 255)
QUADRANTS[20:, 30:] = (255, 255, 0)


def encode(image: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def close(found, expected, tolerance=12) -> bool:
    return found.shape == expected.shape and np.abs(found.astype(int) - expected.astype(int)).mean() < tolerance


@pytest.mark.parametrize(("kind", "options"), [("JPEG", {}), ("PNG", {}), ("WEBP", {}), ("BMP", {}), ("GIF", {})])
def test_formats_decode_to_the_same_picture(kind, options):
    found = images.decode(encode(Image.fromarray(QUADRANTS), kind, **options))
    assert found.dtype == np.uint8
    assert close(found, QUADRANTS)


def test_heic_is_read():
    payload = (Path(__file__).parents[1] / "data" / "quadrants.heic").read_bytes()
    assert close(images.decode(payload), QUADRANTS, tolerance=25)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_comes_out_upright(orientation):
    undo = images._UPRIGHT.get(orientation)
    stored = Image.fromarray(QUADRANTS)
    if undo is not None:
        inverse = {
            Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
            Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
        }
        stored = stored.transpose(inverse.get(undo, undo))
    exif = Image.Exif()
    exif[274] = orientation
    assert close(images.decode(encode(stored, "JPEG", exif=exif, quality=95)), QUADRANTS)


def test_broken_exif_does_not_cost_the_photo():
    payload = encode(Image.fromarray(QUADRANTS), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert close(images.decode(payload), QUADRANTS)


def test_transparency_is_laid_over_white():
    clear = Image.new("RGBA", (8, 8), (200, 0, 0, 0))
    assert (images.decode(encode(clear, "PNG")) == 255).all()
    half = Image.new("LA", (8, 8), (0, 128))
    assert abs(int(images.decode(encode(half, "PNG"))[0, 0, 0]) - 127) <= 1


def test_palette_with_transparency_is_laid_over_white():
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([10, 20, 30] + [0] * 765)
    assert (images.decode(encode(palette, "PNG", transparency=0)) == 255).all()


def test_sixteen_bits_are_scaled_not_clipped():
    grey = Image.fromarray(np.full((8, 8), 0x8000, np.uint16))
    assert (images.decode(encode(grey, "PNG")) == 0x80).all()


@pytest.mark.parametrize("mode", ["L", "1", "CMYK", "P"])
def test_other_colour_modes_become_rgb(mode):
    kind = "JPEG" if mode == "CMYK" else "PNG"
    found = images.decode(encode(Image.new("RGB", (8, 8), "white").convert(mode), kind))
    assert found.shape == (8, 8, 3)
    assert (found > 250).all()


def test_first_frame_of_an_animation_is_taken():
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    payload = encode(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert tuple(images.decode(payload)[0, 0]) == (255, 0, 0)


@pytest.mark.parametrize("kind", ["PNG", "BMP"])
def test_other_large_images_come_back_reduced_too(kind):
    stored = Image.fromarray(QUADRANTS).resize((1200, 800), Image.Resampling.NEAREST)
    found = images.decode(encode(stored, kind), min_side=200)
    assert found.shape == (200, 300, 3)
    assert tuple(found[0, 0]) == (255, 0, 0)


def test_a_large_jpeg_is_decoded_small_but_never_below_what_was_asked():
    found = images.decode(jpeg(1600, 1200), min_side=224)
    assert 224 <= min(found.shape[:2]) <= 400


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_are_refused_with_their_code(name):
    payload, code = HOSTILE[name]
    with pytest.raises(ImageError) as caught:
        images.decode(payload)
    assert caught.value.code == code
    assert str(caught.value).endswith(".")


def test_limits_come_from_the_settings(use_setting):
    use_setting("MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(ImageError, match="64 × 48"):
        images.decode(jpeg(64, 48))


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_damage_never_raises_anything_but_an_image_error(data):
    payload = bytearray(
        data.draw(
            st.sampled_from(
                [
                    jpeg(),
                    encode(Image.fromarray(QUADRANTS), "PNG"),
                    encode(Image.fromarray(QUADRANTS), "GIF"),
                    encode(Image.fromarray(QUADRANTS), "WEBP"),
                    encode(Image.fromarray(QUADRANTS), "BMP"),
                ]
            )
        )
    )
    for _ in range(data.draw(st.integers(1, 8))):
        payload[data.draw(st.integers(0, len(payload) - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(payload)))
    try:
        found = images.decode(bytes(payload[:end]))
    except ImageError:
        return
    assert found.ndim == 3
    assert found.shape[2] == 3


def test_reading_refuses_folders_missing_and_oversized_files(tmp_path):
    with pytest.raises(FileUnreadable):
        images.read(tmp_path)
    with pytest.raises(FileUnreadable):
        images.read(tmp_path / "none.jpg")
    (tmp_path / "large.jpg").write_bytes(b"\0" * 21_000_000)
    with pytest.raises(ImageError, match="at most 20 MB"):
        images.read(tmp_path / "large.jpg")


def test_finding_walks_folders_and_leaves_out_what_is_hidden(tmp_path):
    for name in ("b.JPG", "a/c.png", ".hidden.jpg", ".git/d.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [path.name for path in images.find(tmp_path)] == ["c.png", "b.JPG"]


@given(st.integers(1, 90), st.integers(1, 90))
@settings(deadline=None)
def test_resizing_gives_the_square_asked_for(width, height):
    assert images.resize(np.zeros((height, width, 3), np.uint8), 32).shape == (32, 32, 3)
