"""A recipe says, in one TOML file, how a model is trained. Needs no TensorFlow."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from har_core.bundle import Name

_Strict = ConfigDict(extra="forbid", frozen=True)


class Head(BaseModel):
    """Logistic regression on the frozen backbone's embeddings.

    Attributes:
        regularization: Inverse strength of the L2 penalty, as scikit-learn's ``C``.
    """

    model_config = _Strict

    regularization: float = Field(0.03, gt=0)


class FineTune(BaseModel):
    """Trains the upper part of the network on, from the head's result.

    Attributes:
        train_from: First block of the backbone that is trained; those below keep their ImageNet weights. On small sets
            training everything only learns the photos by heart.
        learning_rate: Peak of a cosine schedule.
        warmup: Share of the steps in which the rate rises from 0.
        crop: Smallest side of a random crop, as a share of the image's.
        jitter: Largest change of brightness and contrast, as a share.
    """

    model_config = _Strict

    epochs: int = Field(12, ge=0)
    train_from: str = "blocks_11"
    batch_size: int = Field(16, ge=1)
    learning_rate: float = Field(1e-4, gt=0)
    warmup: float = Field(0.1, ge=0, lt=1)
    weight_decay: float = Field(0.02, ge=0)
    label_smoothing: float = Field(0.1, ge=0, lt=1)
    dropout: float = Field(0.3, ge=0, lt=1)
    crop: float = Field(0.7, gt=0, le=1)
    jitter: float = Field(0.2, ge=0, lt=1)
    ema: float = Field(0.99, ge=0, lt=1)


class Recipe(BaseModel):
    """How a model is trained.

    Attributes:
        name: The model's name.
        version: Its version; a bundle is never overwritten.
        min_photos: Labels with fewer photos are left out: they can be neither learnt nor measured.
        sure_precision: Share of right answers wanted among the sure ones; the threshold is chosen on ``val``.
    """

    model_config = _Strict

    name: Name
    version: int = Field(1, ge=1)
    backbone: Literal["efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2"] = "efficientnet_lite0"
    image_size: int = Field(224, ge=32, le=1024)
    min_photos: int = Field(12, ge=3)
    seed: int = 0
    sure_precision: float = Field(0.9, gt=0, lt=1)
    head: Head = Head()
    finetune: FineTune = FineTune()


def load(path: Path) -> Recipe:
    """Reads a recipe.

    Raises:
        pydantic.ValidationError: A key is unknown or a value out of range; the message names it.
    """
    return Recipe.model_validate(tomllib.loads(path.read_text("utf-8")))
