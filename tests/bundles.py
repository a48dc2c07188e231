"""Other versions of the tiny model."""

import json
import shutil
from pathlib import Path

from har_core import bundle as bundles
from har_core.bundle import Bundle, Evaluation, Export, Metric

PARITY = [Export(precision="float32", size=1000, accuracy=1, milliseconds=1, parity=1e-6)]


def evaluation(accuracy: float, macro_f1: float = 0.8) -> Evaluation:
    """Figures with intervals of 0.05 to both sides."""
    values = {"accuracy": accuracy, "macro_f1": macro_f1}
    metrics = {name: Metric(value=value, low=value - 0.05, high=value + 0.05) for name, value in values.items()}
    return Evaluation(split="test", n=100, metrics=metrics)


def variant(bundle: Bundle, root: Path, **changes) -> Bundle:
    """A copy with another description, as one that passes every check where nothing else is said."""
    info = bundle.info.model_copy(update={"exports": PARITY, "evaluation": evaluation(0.8), **changes})
    folder = Path(shutil.copytree(bundle.folder, root / f"{info.name}@{info.version}"))
    # Not by pydantic, which knows better than to write NaN.
    (folder / bundles.INFO).write_text(json.dumps(info.model_dump()), "utf-8")
    return Bundle(folder)


def shipping(bundle: Bundle, folder: Path) -> dict[str, str]:
    """The environment of a server where this model ships and is in service; MLflow is slow, and away."""
    name = variant(bundle, folder / "shipped").info.name
    return {
        "HAR_HOME": str(folder / "home"),
        "HAR_SHIPPED_MODELS": str(folder / "shipped"),
        "HAR_MODEL": name,
        "MLFLOW_TRACKING_URI": "http://127.0.0.1:9",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    }


def spoil(bundle: Bundle, name: str) -> None:
    """Changes one byte of a file, in the middle."""
    path = bundle.folder / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
