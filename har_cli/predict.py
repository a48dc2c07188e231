"""``har predict``: what is being done in these photos and videos?"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from har_cli.output import JsonOption, ModelOption, complain, fail, failing_on_errors, print_json, quiet_runtime
from har_cli.reporting import reporting
from har_core import images, serving, video
from har_core.config import settings
from har_core.errors import FileUnreadable, HarError
from har_core.predictor import Prediction, Predictor

app = typer.Typer(help="Say what the person in each photo or video is doing.")


@app.command()
def predict(
    paths: Annotated[
        list[str], typer.Argument(help="Photos, videos and folders of them; - reads one photo from stdin.")
    ],
    top_k: Annotated[int, typer.Option(min=1, help="How many labels to list for each photo.")] = 3,
    rate: Annotated[
        float,
        typer.Option(min=video.LOWEST_RATE, max=video.HIGHEST_RATE, help="Pictures a second looked at in a video."),
    ] = video.RATE,
    json: JsonOption = False,
    explain: Annotated[
        Path | None, typer.Option(help="Write a picture of where the model looked, for one photo, to this file.")
    ] = None,
    model: ModelOption = None,
) -> None:
    """Says what the person in each photo is doing, and in each video, when."""
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
                row = _video_row(path, predictor, rate)
            else:
                payload = _payload(path)
                prediction = predictor.predict(images.decode(payload, min_side=predictor.input_size), top_k)
                row = {"path": path, **prediction.to_dict()}
        except HarError as error:
            failed = True
            complain(f"{path}: {error}")
            if json:
                print_json({"path": path, "error": {"code": error.code, "message": str(error)}})
            continue
        if json:
            print_json(row)
        else:
            print(_segment_lines(row) if "segments" in row else _line(row), flush=True)
        if explain:
            with failing_on_errors():
                _write_overlay(explain, payload, prediction)
    if failed:
        raise typer.Exit(1)


def _video_row(path: str, predictor: Predictor, rate: float) -> dict[str, Any]:
    from har_core.video.recognition import recognise  # noqa: PLC0415 - photos need no video decoder

    with reporting(None) as progress:
        result = recognise(Path(path), predictor, rate, progress)
    for note in result.notes:
        complain(f"{path}: {note}")
    return {"path": path, **result.to_dict()}


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


def _line(row: dict[str, Any]) -> str:
    others = ", ".join(f"{item['label']} {item['score']:.0%}" for item in row["predictions"][1:])
    answer = f"{row['path']}: {row['label']} {row['confidence']:.0%} ({row['decision']})"
    return f"{answer}; then {others}" if others else answer


def _segment_lines(row: dict[str, Any]) -> str:
    lines = [f"{row['path']}: {video.clock(row['duration'])}"]
    for item in row["segments"]:
        span = f"{video.clock(item['start'])} – {video.clock(item['end'])}"
        lines.append(f"  {span}  {item['label']} {item['confidence']:.0%} ({item['decision']})")
    return "\n".join(lines)
