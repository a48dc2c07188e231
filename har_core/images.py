"""Untrusted bytes → upright RGB array. The only decoder in the project: training sees what serving sees.

``image`` is always an RGB ``uint8`` array of shape ``(H, W, 3)``.
"""

import io
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import (
    BmpImagePlugin,
    ExifTags,
    GifImagePlugin,
    Image,
    JpegImagePlugin,
    PngImagePlugin,
    WebPImagePlugin,
)

from har_core.config import settings
from har_core.errors import (
    CorruptImage,
    EmptyImage,
    FileUnreadable,
    ImageError,
    ImageTooLarge,
    NotAnImage,
    TooManyPixels,
    TruncatedImage,
    UnsupportedFormat,
)

RGBImage = npt.NDArray[np.uint8]

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".heic", ".heif"})
FORMATS_FOR_PEOPLE = "JPEG, PNG, WebP, BMP, GIF or HEIC"

# Named by their plug-ins, so that these are loaded; no other decoder is ever offered the bytes. (Phones' multi-picture
# files, "MPO", come through the JPEG reader.)
_PILLOW_FORMATS = tuple(
    reader.format
    for reader in (
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        WebPImagePlugin.WebPImageFile,
        BmpImagePlugin.BmpImageFile,
        GifImagePlugin.GifImageFile,
    )
)
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_KNOWN_UNSUPPORTED = (
    (b"%PDF", "PDF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"8BPS", "Photoshop"),
    (b"PK\3\4", "ZIP"),
    (b"\x1aE\xdf\xa3", "WebM or Matroska video"),
)
_SWAPS_SIDES = frozenset({5, 6, 7, 8})
_REDUCIBLE = frozenset({"RGB", "RGBA", "L", "LA", "CMYK"})
_MAX_SCANS = 100
# What Pillow's decoders raise on broken files.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    struct.error,
    MemoryError,
    RuntimeError,
)
# Orientation tag → the transposition that undoes it (Exif 2.32, section 4.6.4).
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode(payload: bytes, min_side: int = 0) -> RGBImage:
    """Decodes a photo that may come from anyone.

    Bytes, pixels and sides are checked against the settings before any pixel is decoded. Transparency is laid over
    white; of an animation the first frame is taken.

    Args:
        payload: A JPEG, PNG, WebP, BMP, GIF or HEIC file's content.
        min_side: What the caller will shrink the image to, in pixels. A much larger one comes back reduced by a whole
            factor, never below ``min_side`` on either side; a JPEG is decoded straight to that size, which is several
            times faster. 0: decode in full.

    Returns:
        The upright RGB image, uint8, ``(H, W, 3)``.

    Raises:
        ImageError: One subclass per cause; see ``har_core.errors``.
    """
    if not payload:
        raise EmptyImage("The file is empty.")
    check_bytes(len(payload))
    try:
        with _open(payload) as image:
            _check_pixels(image.size)
            if image.format in ("JPEG", "MPO"):
                _check_scans(payload)
                if min_side:
                    image.draft(None, (min_side, min_side))
            image.load()
            # Only now: on a PNG, asking for the orientation would decode, and hide what goes wrong there.
            orientation = _orientation(image)
            return _to_rgb(_upright(_reduced(image, min_side), orientation))
    except ImageError:
        raise
    except Image.DecompressionBombError:
        raise _too_many_pixels() from None
    except _DECODER_ERRORS as error:
        raise _decoding_error(error) from error


def small_jpeg(payload: bytes, side: int) -> bytes:
    """A photo to be kept: upright, no larger than needed, and without metadata.

    Args:
        payload: As for ``decode``.
        side: Its longest side at most, pixels.

    Raises:
        ImageError: As ``decode``.
    """
    return to_jpeg(decode(payload, min_side=side), side, quality=90)


def size(payload: bytes) -> tuple[int, int]:
    """Width and height of the upright photo in pixels, from the header alone.

    Raises:
        ImageError: As ``decode``, as far as the header tells.
    """
    with _open(payload) as image:
        width, height = image.size
        is_png = image.format == "PNG"  # whose orientation, were there one, would cost a full decode
        turned = not is_png and _orientation(image) in _SWAPS_SIDES
    return (height, width) if turned else (width, height)


def read(path: Path) -> bytes:
    """Reads an image file's bytes, but no more of them than the settings accept.

    Raises:
        FileUnreadable: The file is missing, no file, or may not be read.
        ImageTooLarge: It is larger than the limit.
    """
    try:
        if not path.is_file():
            raise FileUnreadable("There is no such file.")
        check_bytes(path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise FileUnreadable(f"The file cannot be read: {error.strerror}.") from error


def find(folder: Path, suffixes: frozenset[str] = SUFFIXES) -> Iterator[Path]:
    """Image files below a folder, or others (by suffix; hidden ones left out), in sorted order."""
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in suffixes and not is_hidden and path.is_file():
            yield path


def resize(image: RGBImage, size: int) -> RGBImage:
    """Resizes to ``(size, size, 3)``, squeezing the longer side: a person at the edge is not cropped away."""
    if image.shape[:2] == (size, size):
        return image
    squeezed = Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(squeezed)


def to_jpeg(image: RGBImage, side: int | None = None, quality: int = 85) -> bytes:
    """Encodes an image as JPEG.

    Args:
        image: uint8 RGB ``(H, W, 3)``.
        side: Pixels; a longer image is shrunk until no side is longer.
        quality: Of the JPEG, 1–95.
    """
    picture = Image.fromarray(image)
    if side:
        picture.thumbnail((side, side))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def check_bytes(length: int) -> None:
    """Refuses a file by its length alone.

    Raises:
        ImageTooLarge: It is over ``max_image_bytes``.
    """
    limit = settings().max_image_bytes
    if length > limit:
        raise ImageTooLarge(f"The file has {length / 1e6:.1f} MB; at most {limit / 1e6:g} MB are accepted.")


def _open(payload: bytes) -> Image.Image:
    if payload[4:8] == b"ftyp" and payload[8:12] in _HEIF_BRANDS:
        return Image.open(io.BytesIO(payload), formats=_heif_formats())
    try:
        return Image.open(io.BytesIO(payload), formats=_PILLOW_FORMATS)
    except _DECODER_ERRORS:
        raise _unidentified(payload) from None


@lru_cache(maxsize=1)
def _heif_formats() -> tuple[str, ...]:
    """Registers the HEIC reader on first use, since few photos need it."""
    import pi_heif  # noqa: PLC0415

    pi_heif.register_heif_opener()
    return ("HEIF",)


def _unidentified(payload: bytes) -> ImageError:
    """Says what the bytes are instead of an image, where their beginning tells."""
    start = payload[:512].lstrip(b"\xef\xbb\xbf \t\r\n")
    name = next((name for magic, name in _KNOWN_UNSUPPORTED if payload.startswith(magic)), None)
    if start.startswith(b"<") and b"<svg" in payload[:4096].lower():
        name = "SVG"
    elif payload[4:8] == b"ftyp":
        name = "AVIF" if payload[8:12] in (b"avif", b"avis") else "MP4 video"
    if name:
        return UnsupportedFormat(f"This is {name}, which is not read here. Send {FORMATS_FOR_PEOPLE}.")
    if payload.startswith((b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"RIFF")):
        return CorruptImage("The file begins like an image, but its header is damaged.")
    return NotAnImage(f"The file is not an image. Send {FORMATS_FOR_PEOPLE}.")


def _check_pixels(size: tuple[int, int]) -> None:
    width, height = size
    limits = settings()
    if max(size) > limits.max_image_side or width * height > limits.max_image_pixels:
        raise _too_many_pixels(f"The image has {width} × {height} pixels")


def _too_many_pixels(what: str = "The image has too many pixels") -> TooManyPixels:
    limits = settings()
    return TooManyPixels(
        f"{what}; at most {limits.max_image_pixels / 1e6:g} megapixels "
        f"and {limits.max_image_side} on a side are accepted."
    )


def _check_scans(payload: bytes) -> None:
    """Refuses a progressive JPEG that repaints itself without end: each scan costs time, and next to no bytes."""
    if payload.count(b"\xff\xda") > _MAX_SCANS:
        raise CorruptImage("The image is built of more scans than any camera or program makes.")


def _reduced(image: Image.Image, min_side: int) -> Image.Image:
    factor = min(image.size) // min_side if min_side else 1
    return image.reduce(factor) if factor > 1 and image.mode in _REDUCIBLE else image


def _decoding_error(error: Exception) -> ImageError:
    text = str(error).lower()
    if "security limit" in text:  # libheif's word for dimensions that no photo has
        return _too_many_pixels()
    if any(word in text for word in ("truncated", "incomplete", "unexpected end", "premature")):
        return TruncatedImage("The image is cut off: part of the file is missing. Send the whole file again.")
    return CorruptImage("The image is damaged and cannot be decoded.")


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # Broken metadata, in whichever way it is broken, must not cost the photo.
        return 1


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    method = _UPRIGHT.get(orientation)
    return image if method is None else image.transpose(method)


def _to_rgb(image: Image.Image) -> RGBImage:
    if image.mode.startswith("I"):
        # 16-bit greyscale: Pillow's own conversion would clip instead of scale.
        grey = (np.asarray(image).astype(np.uint32).clip(0, 65535) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", over.size, "white"), over)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
