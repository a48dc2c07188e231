"""``python -m training.convert BUNDLE FORMAT OUTPUT``: a model for other runtimes than LiteRT.

``har models export`` runs it in a process of its own, since the command itself never imports TensorFlow. What goes
wrong is said in one line at the end of standard output, and the exit status is 1.
"""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from har_core import bundle as bundles
from har_core.bundle import Bundle
from har_core.errors import BundleBroken, HarError
from har_core.files import write_beside

if TYPE_CHECKING:
    import keras

Format = Literal["savedmodel", "onnx"]


def convert(bundle: Bundle, form: Format, output: Path) -> None:
    """Writes a model's network as it serves: a uint8 image in; ``logits``, ``class_maps`` and ``embedding`` out.

    The images come as a batch of any size, ``image`` ``(n, S, S, 3)``.

    Args:
        bundle: The model.
        form: ``savedmodel``: a folder for TensorFlow and TensorFlow Serving; ``onnx``: a file for ONNX Runtime.
        output: The folder or file. Nobody ever sees half of it.

    Raises:
        BundleBroken: The model's files are damaged, or its Keras network cannot be read.
        BackboneUnavailable: The network needs KerasHub, which is not installed.
        OSError: The output cannot be written.
    """
    network = _read(bundle)
    if form == "savedmodel":
        _write_folder(output, lambda beside: network.export(beside, format="tf_saved_model", verbose=False))
    else:
        write_beside(output, lambda beside: _write_onnx(network, beside))


def _read(bundle: Bundle) -> "keras.Model":
    """The network as it is served, with any number of images at a time."""
    # Nothing of a file that was changed since it was written is to reach Keras.
    bundle.verify_files()
    import keras  # noqa: PLC0415 - only now is it needed

    from training import network  # noqa: PLC0415
    from training.backbones import kerashub  # noqa: PLC0415

    if str(bundle.info.recipe.get("backbone")).startswith("kerashub:"):
        kerashub.library()
    try:
        model = keras.saving.load_model(bundle.folder / bundles.KERAS, safe_mode=True)
        return network.serving(model, both_ways=bool(bundle.info.recipe.get("both_ways")))
    except (TypeError, ValueError, OSError) as error:
        first = str(error).strip().partition("\n")[0]
        raise BundleBroken(f"{bundle.folder.name}: {bundles.KERAS} cannot be read: {first}") from error


def _write_onnx(network: "keras.Model", path: Path) -> None:
    import keras  # noqa: PLC0415

    shape = (None, *network.input_shape[1:])
    image = keras.InputSpec(shape=shape, dtype="uint8", name="image")
    network.export(path, format="onnx", verbose=False, input_signature=[image])


def _write_folder(output: Path, write: Callable[[Path], object]) -> None:
    """Has a folder written beside its place, then renames it into it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as scratch:
        beside = Path(scratch, "folder")
        write(beside)
        beside.rename(output)


def main(folder: Path, form: Format, output: Path) -> int:
    """Converts, and gives the exit status."""
    try:
        convert(Bundle(folder), form, output)
    except HarError as error:
        print(error)
    except OSError as error:
        print(f"{output} cannot be written: {error.strerror or error}.")
    else:
        return 0
    return 1


if __name__ == "__main__":
    _, _folder, _form, _output = sys.argv
    sys.exit(main(Path(_folder), "onnx" if _form == "onnx" else "savedmodel", Path(_output)))
