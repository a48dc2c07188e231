"""``har predict``: what is being done in these photos?"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from har_cli.output import JsonOption, ModelOption, complain, fail, failing_on_errors, print_json, quiet_runtime
from har_core import images, serving
from har_core.config import settings
from har_core.errors import FileUnreadable, HarError
from har_core.predictor import Prediction, Predictor

app = typer.Typer(help="Say what the person in each photo is doing.")


@app.command()
def predict(
    paths: Annotated[list[str], typer.Argument(help="Photos and folders of photos; - reads one photo from stdin.")],
    top_k: Annotated[int, typer.Option(min=1, help="How many labels to list for each photo.")] = 3,
    json: JsonOption = False,
    explain: Annotated[
        Path | None, typer.Option(help="Write a picture of where the model looked, for one photo, to this file.")
    ] = None,
    model: ModelOption = None,
) -> None:
    """Says what the person in each photo is doing."""
    sources = list(_expand(paths))
    if explain and (len(sources) != 1 or explain.suffix.lower() not in (".png", ".jpg", ".jpeg")):
        fail("--explain takes one photo and the name of a .png or .jpg file.", code=2)
    with failing_on_errors(), quiet_runtime():
        predictor = Predictor(serving.find(model), threads=1)
    failed = False
    for path in sources:
        try:
            payload = _payload(path)
            prediction = predictor.predict(images.decode(payload, min_side=predictor.input_size), top_k)
        except HarError as error:
            failed = True
            complain(f"{path}: {error}")
            if json:
                print_json({"path": path, "error": {"code": error.code, "message": str(error)}})
            continue
        row = {"path": path, **prediction.to_dict()}
        if json:
            print_json(row)
        else:
            print(_line(row), flush=True)
        if explain:
            with failing_on_errors():
                _write_overlay(explain, payload, prediction)
    if failed:
        raise typer.Exit(1)


def _expand(paths: list[str]) -> Iterator[str]:
    """Replaces each folder by the photos in it; a folder without photos stays, to be named as unreadable."""
    for path in paths:
        yield from ([str(found) for found in images.find(Path(path))] if _is_folder(path) else []) or [path]


def _is_folder(path: str) -> bool:
    try:
        return path != "-" and Path(path).is_dir()
    except OSError:
        return False


def _payload(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(settings().max_image_bytes + 1)
    if _is_folder(path):
        raise FileUnreadable("There are no photos in this folder.")
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
