"""``har predict``: what is being done in these photos and videos?"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from har_cli.output import (
    JsonOption,
    ModelOption,
    TopKOption,
    complain,
    examples,
    fail,
    failing_on_errors,
    print_json,
    quiet_runtime,
    tell,
    verb,
)
from har_cli.reporting import reporting
from har_core import images, serving, video
from har_core.config import settings
from har_core.errors import FileUnreadable, HarError
from har_core.labels import label_text
from har_core.predictor import Prediction, Predictor

app = verb()


@app.command(
    epilog=examples(
        "har predict photo.jpg",
        "har predict photos clip.mp4 --json",
        "har predict photo.jpg --explain heat.png",
    )
)
def predict(
    paths: Annotated[
        list[str],
        typer.Argument(metavar="PATH", help="Photos, videos and folders of them; - reads one photo from stdin."),
    ],
    top_k: TopKOption = 3,
    rate: Annotated[
        float,
        typer.Option(
            min=video.LOWEST_RATE, max=video.HIGHEST_RATE, metavar="N", help="Pictures a second looked at in a video."
        ),
    ] = video.RATE,
    json: JsonOption = False,
    explain: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a picture of where the model looked, for one photo: .png or .jpg."),
    ] = None,
    model: ModelOption = None,
) -> None:
    """Say what is being done in photos, and when in videos.

    An answer that the model does not commit itself to is “unsure”. Exits with 1 where a file cannot be read; it is
    named, and the others are answered all the same.
    """
    sources = list(_expand(paths))
    is_one_photo = len(sources) == 1 and not _is_video(sources[0])
    if explain and (not is_one_photo or explain.suffix.lower() not in (".png", ".jpg", ".jpeg")):
        fail("--explain takes one photo and the name of a .png or .jpg file.", code=2)
    with failing_on_errors(), quiet_runtime():
        predictor = Predictor(serving.find(model), threads=1)
    failed = False
    for path in sources:
        try:
            if _is_video(path):
                _say_video(path, predictor, rate, json)
            else:
                _say_photo(path, predictor, top_k, json, explain)
        except HarError as error:
            failed = True
            complain(f"{path}: {error}")
            if json:
                print_json({"path": path, "error": error.to_dict()})
    if failed:
        raise typer.Exit(1)


def _say_photo(path: str, predictor: Predictor, top_k: int, json: bool, explain: Path | None) -> None:
    payload = _payload(path)
    prediction = predictor.predict(images.decode(payload, min_side=predictor.input_size), top_k)
    tell(json, {"path": path, **prediction.to_dict()}, f"{path}: {_line(prediction)}")
    if explain:
        with failing_on_errors():
            _write_overlay(explain, payload, prediction)


def _say_video(path: str, predictor: Predictor, rate: float, json: bool) -> None:
    from har_core.video.recognition import recognise  # noqa: PLC0415 - photos need no video decoder

    with reporting(None) as progress:
        result = recognise(Path(path), predictor, rate, progress)
    for note in result.notes:
        complain(f"{path}: {note}")
    row: dict[str, Any] = result.to_dict()
    lines = [
        f"  {video.clock(one.start)} – {video.clock(one.end)}  {_answer(one.label, one.confidence, one.decision)}"
        for one in result.segments
    ]
    tell(json, {"path": path, **row}, "\n".join([f"{path}: {video.clock(result.duration)}", *lines]))


def _expand(paths: list[str]) -> Iterator[str]:
    """Replaces each folder by the photos and videos in it; an empty one stays, to be named as unreadable."""
    for path in paths:
        found = images.find(Path(path), images.SUFFIXES | video.SUFFIXES) if _is_folder(path) else ()
        yield from [str(file) for file in found] or [path]


def _is_video(path: str) -> bool:
    return Path(path).suffix.lower() in video.SUFFIXES and not _is_folder(path)


def _is_folder(path: str) -> bool:
    try:
        return path != "-" and Path(path).is_dir()
    except OSError:
        return False


def _payload(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(settings().max_image_bytes + 1)
    if _is_folder(path):
        raise FileUnreadable("There are no photos or videos in this folder.")
    return images.read(Path(path))


def _write_overlay(path: Path, payload: bytes, prediction: Prediction) -> None:
    from PIL import Image  # noqa: PLC0415 - with explain, only needed here

    from har_core.explain import picture  # noqa: PLC0415

    try:
        Image.fromarray(picture(payload, prediction.class_map)).save(path)
    except OSError as error:
        raise FileUnreadable(f"{path} cannot be written: {error.strerror}.") from error


def _line(prediction: Prediction) -> str:
    others = ", ".join(f"{label_text(item.label)} {item.score:.0%}" for item in prediction.predictions[1:])
    answer = _answer(prediction.label, prediction.confidence, prediction.decision)
    return f"{answer}; then {others}" if others else answer


def _answer(label: str, confidence: float, decision: str) -> str:
    """On a terminal the action stands out, and whether the model is sure of it."""
    colour = typer.colors.GREEN if decision == "sure" else typer.colors.YELLOW
    return f"{_styled(label_text(label), bold=True)} {confidence:.0%} ({_styled(decision, fg=colour)})"


def _styled(text: str, **style: Any) -> str:
    # https://no-color.org
    return typer.style(text, **style) if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else text
