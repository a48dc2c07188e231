"""How fast serving is, measured side by side: ``make bench``.

Three figures: ``har predict`` against a plain script that imports TensorFlow and calls ``model.predict``; a warm single
prediction of a 640x480 JPEG against the bare LiteRT invocation; the memory of one API worker.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from har_core import bundle as bundles
from har_core import images, serving
from har_core.config import PROJECT_ROOT
from har_core.predictor import Predictor

PHOTO = PROJECT_ROOT / "har_ui" / "assets" / "examples" / "cycling.jpg"  # 640 x 480
_PORT = "8123"

_PLAIN_SCRIPT = """
import sys
import numpy as np
import tensorflow as tf
model = tf.keras.models.load_model(sys.argv[1])
image = tf.keras.utils.load_img(sys.argv[2], target_size=model.input_shape[1:3])
print(model.predict(np.asarray(image, np.float32)[None], verbose=0).argmax())
"""


def timed(action: Callable[[], object], runs: int) -> list[float]:
    """Seconds of each run, after one that does not count."""
    action()
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        action()
        seconds.append(time.perf_counter() - started)
    return seconds


def command_line(keras_file: Path, runs: int = 5) -> None:
    """From process start to answer, the two in turn."""
    har = [sys.executable, "-m", "har_cli", "predict", str(PHOTO)]
    plain = [sys.executable, "-c", _PLAIN_SCRIPT, str(keras_file), str(PHOTO)]
    ours, theirs = [], []
    for _ in range(runs):
        ours += timed(lambda: subprocess.run(har, check=True, capture_output=True), 1)
        theirs += timed(lambda: subprocess.run(plain, check=True, capture_output=True), 1)
    ratio = statistics.median(b / a for a, b in zip(ours, theirs, strict=True))
    print(
        f"har predict, process start to answer: median {statistics.median(ours):.2f} s; plain TensorFlow script: "
        f"{statistics.median(theirs):.2f} s; {ratio:.1f} times as long (n = {runs} pairs)"
    )


def single_prediction(predictor: Predictor, runs: int = 500) -> None:
    """Decode to answer against the bare invocation, in turn, one thread each."""
    payload = PHOTO.read_bytes()
    size = predictor.input_size
    interpreter = Interpreter(model_content=predictor.bundle.read(bundles.TFLITE), num_threads=1)
    interpreter.allocate_tensors()
    index = interpreter.get_input_details()[0]["index"]
    interpreter.set_tensor(index, np.zeros((1, size, size, 3), np.uint8))
    whole, bare = [], []
    for _ in range(runs):
        bare += timed(interpreter.invoke, 1)
        whole += timed(lambda: predictor.predict(images.decode(payload, min_side=size)), 1)
    ratio = statistics.median(a / b for a, b in zip(whole, bare, strict=True))
    print(
        f"one 640 x 480 JPEG, decode to answer: median {statistics.median(whole) * 1e3:.2f} ms; bare LiteRT "
        f"invocation: {statistics.median(bare) * 1e3:.2f} ms; ratio {ratio:.2f} (n = {runs} pairs)"
    )


def worker_memory(requests: int = 200) -> None:
    """Resident memory of a gunicorn worker after some requests."""
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py"],
            cwd=PROJECT_ROOT,
            env={**os.environ, "HAR_API_PORT": _PORT, "WEB_CONCURRENCY": "1"},
            stdout=log,
            stderr=log,
        )
        try:
            transport = httpx.HTTPTransport(retries=8)
            with httpx.Client(base_url=f"http://127.0.0.1:{_PORT}", transport=transport, timeout=30) as client:
                for _ in range(requests):
                    client.post("/api/v1/predictions", files={"image": PHOTO.read_bytes()}).raise_for_status()
            children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text("utf-8").split()
            status = Path(f"/proc/{children[0]}/status").read_text("utf-8")
        finally:
            server.terminate()
            server.wait(30)
    resident = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
    print(f"API worker after {requests} requests: {resident / 1024:.0f} MiB resident")


if __name__ == "__main__":
    bundle = serving.find()
    print(f"{bundle.folder.name} on {os.cpu_count()} cores")
    command_line(bundle.folder / bundles.KERAS)
    single_prediction(Predictor(bundle, threads=1))
    worker_memory()
