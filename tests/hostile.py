"""Files that are not the photos they claim to be, with the code that each is refused with."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image


def jpeg(width: int = 64, height: int = 48) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=95)
    return buffer.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int) -> bytes:
    """A PNG that announces a size and holds next to nothing."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0")) + _chunk(b"IEND", b"")


def bomb() -> bytes:
    """A small PNG that really unpacks to 12,000 x 12,000 pixels."""
    buffer = io.BytesIO()
    Image.new("1", (12_000, 12_000)).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def damaged_png() -> bytes:
    """A PNG whose compressed pixels are overwritten with zeros in the middle."""
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (200, 200, 3), np.uint8)).save(buffer, "PNG")
    payload = bytearray(buffer.getvalue())
    payload[20_000:24_000] = bytes(4_000)
    return bytes(payload)


def endless_scans() -> bytes:
    """A progressive JPEG with the same scan over and over."""
    buffer = io.BytesIO()
    Image.new("L", (64, 64), 128).save(buffer, "JPEG", progressive=True)
    payload = buffer.getvalue()
    last = payload.rindex(b"\xff\xda")
    return payload[:-2] + payload[last:-2] * 500 + b"\xff\xd9"


def huge_heic() -> bytes:
    """A HEIC file whose size box announces 65,536 x 65,536 pixels."""
    payload = bytearray((Path(__file__).parent / "data" / "quadrants.heic").read_bytes())
    place = payload.index(b"ispe") + 8
    payload[place : place + 8] = struct.pack(">II", 65_536, 65_536)
    return bytes(payload)


HOSTILE = {
    "damaged.png": (damaged_png(), "corrupt_image"),
    "scans.jpg": (endless_scans(), "corrupt_image"),
    "huge.heic": (huge_heic(), "too_many_pixels"),
    "empty.jpg": (b"", "empty_image"),
    "text.jpg": (b"this is no photo\n", "not_an_image"),
    "short.jpg": (b"hi\n", "not_an_image"),
    "truncated.jpg": (jpeg()[:-900], "truncated_image"),
    "header-only.png": (png_header(64, 64), "truncated_image"),
    "garbled.png": (b"\x89PNG\r\n\x1a\n" + b"\0" * 64, "corrupt_image"),
    "huge.png": (png_header(60_000, 60_000), "too_many_pixels"),
    "long.png": (png_header(30_000, 2), "too_many_pixels"),
    "bomb.png": (bomb(), "too_many_pixels"),
    "large.jpg": (jpeg() + b"\0" * 30_000_000, "image_too_large"),
    "drawing.svg": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"/>', "unsupported_format"),
    "paper.pdf": (b"%PDF-1.7\n%%EOF", "unsupported_format"),
    "scan.tif": (b"II*\0" + b"\0" * 64, "unsupported_format"),
    "clip.mp4": (b"\0\0\0\x20ftypisom" + b"\0" * 64, "unsupported_format"),
}
