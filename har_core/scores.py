"""What a network's logits say: probabilities, and how familiar the photo is."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


def probabilities(logits: Floats, temperature: float) -> npt.NDArray[np.float32]:
    """Calibrated probabilities.

    Args:
        logits: ``(..., labels)``.
        temperature: What they are divided by before the softmax.

    Returns:
        float32 of the same shape; they sum to 1 over the labels.
    """
    scaled = logits / np.float32(temperature)
    exp = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    found: npt.NDArray[np.float32] = exp / exp.sum(axis=-1, keepdims=True)
    return found


def energy(logits: Floats) -> Floats:
    """Negative free energy: the higher, the more a photo looks like those that the network was trained on.

    Source: Liu et al. 2020, "Energy-based Out-of-distribution Detection", https://arxiv.org/abs/2010.03759, at a
    temperature of 1.

    Args:
        logits: ``(..., labels)``.

    Returns:
        Of the shape ``(...)``.
    """
    top = logits.max(axis=-1)
    found: Floats = top + np.log(np.exp(logits - top[..., None]).sum(axis=-1))
    return found
