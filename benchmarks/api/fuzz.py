"""Broken requests and photos, as many as one likes: ``python -m benchmarks.api.fuzz [COUNT] [SEED]``.

Photos of all formats are mutated (bits, bytes, blocks, lengths), and so are bodies, their types, and heads. Printed are
the answers by status, and the workers' memory as it goes; it fails where an answer is a 5xx, where a worker dies, where
the log has a traceback, or where a photo that is whole is not answered afterwards.
"""

import base64
import collections
import io
import json
import random
import socket
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from PIL import Image

from benchmarks.api import load, servers

_PORT = 8133
_CLIENTS = 16
_REPORT_EVERY = 1_000
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
_TYPES = ("image/jpeg", "image/png", "application/json", "multipart/form-data; boundary=x", "text/plain", "a/b; c=")


def originals() -> list[bytes]:
    """Small photos of all formats, some progressive, with transparency, a palette or an Exif block."""
    found = []
    for payload in load.photos()[:6]:
        with Image.open(io.BytesIO(payload)) as opened:
            image = opened.copy()
            image.thumbnail((160, 160))
        for name in _FORMATS:
            found.append(_saved(image, name))
        exif = Image.Exif()
        exif[0x0112] = 6
        found += [
            _saved(image, "JPEG", progressive=True, exif=exif),
            _saved(image.convert("RGBA"), "PNG"),
            _saved(image.convert("P"), "PNG"),
            _saved(image.convert("CMYK"), "JPEG"),
            _saved(image, "GIF", save_all=True, append_images=[image]),
        ]
    return found


def _saved(image: Image.Image, name: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, name, **options)
    return buffer.getvalue()


def _flip_bits(chance: random.Random, data: bytearray) -> None:
    for _ in range(chance.randint(1, 30)):
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)


def _extreme_bytes(chance: random.Random, data: bytearray) -> None:
    at = chance.randrange(len(data))
    data[at : at + chance.choice([1, 2, 4])] = chance.choice([b"\0", b"\xff", b"\x7f\xff\xff\xff", b"\x80\0\0\0"])


def _cut(chance: random.Random, data: bytearray) -> None:
    del data[chance.randrange(len(data)) :]


def _remove(chance: random.Random, data: bytearray) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.randint(1, 500)]


def _repeat(chance: random.Random, data: bytearray) -> None:
    at = chance.randrange(len(data))
    data[at:at] = data[at : at + chance.randint(1, 500)] * chance.randint(1, 20)


def _garble(chance: random.Random, data: bytearray) -> None:
    at = chance.randrange(len(data))
    data[at : at + 100] = chance.randbytes(chance.randint(0, 200))


def _damage_head(chance: random.Random, data: bytearray) -> None:
    data[chance.randrange(min(64, len(data)))] = chance.randrange(256)


_MUTATIONS: list[Callable[[random.Random, bytearray], None]] = [
    _flip_bits,
    _extreme_bytes,
    _cut,
    _remove,
    _repeat,
    _garble,
    _damage_head,
]


def mutated(chance: random.Random, payload: bytes) -> bytes:
    """Bytes that were a photo, or a request."""
    data = bytearray(payload)
    for _ in range(chance.choice([1, 1, 2, 4])):
        if data:
            chance.choice(_MUTATIONS)(chance, data)
    return bytes(data)


def request(chance: random.Random, photos: list[bytes]) -> bytes:
    """One whole HTTP request with something wrong in it."""
    photo = mutated(chance, chance.choice(photos))
    kind = chance.randrange(7)
    if kind < 3:
        (found,) = load.encoded("/api/v1/predictions", [photo], chance.choice(["image", "images"]))
    elif kind == 3:
        found = _post("/api/v1/predictions?explain=true", "image/jpeg", photo)
    elif kind == 4:
        text = json.dumps({"image": base64.b64encode(photo).decode()}).encode()
        found = _post("/api/v1/predictions", "application/json", chance.choice([text, mutated(chance, text)]))
    elif kind == 5:
        path = chance.choice(["predictions", "feedback", "jobs", "trainings", "promotions", "labels", "models/a"])
        found = _post(f"/api/v1/{path}", chance.choice(_TYPES), photo)
    else:
        (found,) = load.encoded("/api/v1/predictions", [photo])
        found = mutated(chance, found[:400]) + found[400:]
    return found


def _post(path: str, media_type: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def send(data: bytes) -> int:
    """The status that is answered; 0: the server closed the connection, as it does where a request has no end."""
    with socket.create_connection(("127.0.0.1", _PORT), 60) as link:
        with suppress(OSError):
            link.sendall(data)
        head = b""
        with suppress(ConnectionResetError):
            while b"\r\n" not in head and (chunk := link.recv(4096)):
                head += chunk
    return int(head[9:12]) if head.startswith(b"HTTP/1.1 ") else 0


def main(count: int = 20_000, seed: int = 0) -> None:
    """Sends them, prints what came of it."""
    chance, photos = random.Random(seed), originals()
    answers: collections.Counter[int] = collections.Counter()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(_CLIENTS) as pool:
        home = Path(folder) / "home"
        with servers.ours(_PORT, home, HAR_API_ARRIVAL_SECONDS="1", WEB_CONCURRENCY="2") as pid:
            workers = servers.workers(pid)
            for number in range(_REPORT_EVERY, count + 1, _REPORT_EVERY):
                requests = [request(chance, photos) for _ in range(_REPORT_EVERY)]
                answers.update(pool.map(send, requests))
                memory = ", ".join(f"{servers.resident(worker):.0f} MiB" for worker in workers)
                print(f"{number}: {dict(sorted(answers.items()))}; workers: {memory}", flush=True)
            (whole,) = load.encoded("/api/v1/predictions", load.photos()[:1])
            survived, still = servers.workers(pid) == workers, send(whole)
        tracebacks = (home / "log").read_text("utf-8", "replace").count("Traceback")
    worst = sum(times for status, times in answers.items() if status >= 500)
    print(f"answers with 5xx: {worst}; workers as at the start: {survived}; tracebacks in the log: {tracebacks}")
    sys.exit(0 if not worst and survived and still == 200 and not tracebacks else 1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
