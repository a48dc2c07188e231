"""A recipe says, in one TOML file, how a model is trained. Needs no TensorFlow."""

import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from har_core.bundle import Name, Precision
from har_core.errors import RecipeInvalid

PRESETS = Path(__file__).parent / "recipes"

BackboneName = Annotated[
    str, StringConstraints(pattern=r"^(efficientnet_lite[012]|keras:[A-Za-z0-9]+|kerashub:[\w./@:-]+)$")
]


Start = Annotated[str, StringConstraints(pattern=r"^(imagenet|random|[a-z0-9][a-z0-9_-]*(@[1-9][0-9]{0,8})?)$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Head(_Part):
    """Logistic regression on the frozen backbone's embeddings: where every training begins.

    Attributes:
        regularization: Inverse strength of the L2 penalty, as scikit-learn's ``C``.
    """

    regularization: float = Field(0.03, gt=0, description="Inverse strength of the penalty on large weights.")


class Phase(_Part):
    """One stretch of fine-tuning, from the head's result or the phase before.

    Attributes:
        train_share: Share of the backbone's layers that is trained, from the top; those below keep their weights. On
            small sets training everything only learns the photos by heart.
        learning_rate: Peak of the phase's cosine schedule.
        warmup: Share of the phase's steps in which the rate rises from 0.
    """

    train_share: float = Field(0.32, gt=0, le=1, description="Share of the network's layers trained, from the top.")
    epochs: int = Field(12, ge=1, le=1000, description="How often each photo is seen.")
    learning_rate: float = Field(1e-4, gt=0, lt=1, description="Peak of the cosine schedule.")
    warmup: float = Field(0.1, ge=0, lt=1, description="Share of the steps in which the rate rises from 0.")


class Optimizer(_Part):
    """AdamW, and what goes with it.

    Attributes:
        clip_norm: Largest norm of all gradients together.
        ema: Momentum of the moving average of the weights, which is what is judged and kept; 0: none.
        mixed_precision: Compute in half precision where the accelerator gains by it; a CPU does not.
    """

    batch_size: int = Field(16, ge=1, le=4096, description="Photos in a step.")
    weight_decay: float = Field(0.02, ge=0, lt=1, description="How fast unused weights shrink.")
    clip_norm: float = Field(1.0, gt=0, description="Largest norm of a step's gradients.")
    ema: float = Field(0.99, ge=0, lt=1, description="Momentum of the weights' moving average; 0: none.")
    mixed_precision: bool = Field(False, description="Half precision: faster on GPUs, slower on CPUs.")


class Augmentation(_Part):
    """How photos are varied while fine-tuning; each strength is a largest value, drawn anew for each photo.

    Attributes:
        crop: Smallest side of a random crop, as a share of the image's.
        rotate: Degrees.
        jitter: Change of brightness and contrast, as a share.
        saturation: Change of the saturation, as a share.
        erase: Share of the photo's side that a grey square covers.
        compress: Share of the photos that are compressed as JPEG anew, at a random quality from 30 to 90.
        mixup: Parameter of the Beta distribution (Zhang et al. 2018, https://arxiv.org/abs/1710.09412); 0: none.
        cutmix: The same for pasted rectangles (Yun et al. 2019, https://arxiv.org/abs/1905.04899); 0: none.
    """

    flip: bool = Field(True, description="Mirror every other photo.")
    crop: float = Field(0.7, gt=0, le=1, description="Smallest side of a random crop, as a share.")
    rotate: float = Field(0.0, ge=0, le=180, description="Degrees.")
    jitter: float = Field(0.2, ge=0, lt=1, description="Change of brightness and contrast, as a share.")
    saturation: float = Field(0.0, ge=0, le=1, description="Change of the saturation, as a share.")
    erase: float = Field(0.0, ge=0, le=1, description="Share of the side that a grey square covers.")
    compress: float = Field(0.0, ge=0, le=1, description="Share of the photos that are compressed anew.")
    mixup: float = Field(0.0, ge=0, le=10, description="How much two photos are blended; 0: not at all.")
    cutmix: float = Field(0.0, ge=0, le=10, description="How much of one photo is pasted into another; 0: nothing.")


class Regularization(_Part):
    """What else keeps the network from learning the photos by heart.

    Attributes:
        balance: How much more a photo of a rare label counts: its weight is the label's frequency to the power of
            minus this; 0: all count the same, 1: all labels do.
        logit_adjustment: What fine-tuning has learnt of how frequent labels are is taken back in this part, by lowering
            each label's logit by that times the log of its frequency (Menon et al. 2021,
            https://arxiv.org/abs/2007.07314). Rare labels are then found more often.
    """

    label_smoothing: float = Field(0.1, ge=0, lt=1, description="Share of a label given to all labels.")
    dropout: float = Field(0.3, ge=0, lt=1, description="Share of features left out at random.")
    balance: float = Field(0.0, ge=0, le=1, description="0: every photo counts the same; 1: every label does.")
    logit_adjustment: float = Field(0.0, ge=0, le=2, description="How far the answers disregard frequencies.")


class Distillation(_Part):
    """Teachers: networks from other seeds, whose mean answer the network that is kept learns from.

    They also answer for the photos of the dataset that have no label, which the network learns from as well (Hinton et
    al. 2015, https://arxiv.org/abs/1503.02531; Xie et al. 2020, https://arxiv.org/abs/1911.04252).

    Attributes:
        teachers: How many. Each is trained by the recipe's phases, and takes as long as a run without teachers.
        share: What their answer counts for a photo that has a label; the label counts the rest.
    """

    teachers: int = Field(0, ge=0, le=20, description="Networks from other seeds to learn from; 0: none.")
    share: float = Field(0.5, ge=0, le=1, description="What their answers count beside the labels.")


class Recipe(_Part):
    """How a model is trained. Without phases only a head is fitted, which takes seconds.

    Attributes:
        name: The model's name; the dataset's when absent.
        backbone: ``efficientnet_lite0`` to ``2``, ``keras:CLASS`` of ``keras.applications``, or ``kerashub:PRESET``.
        start: Where the backbone's weights come from: ``imagenet``, ``random``, or a model of ours (``sports@1``).
        image_size: Side of the network's square input in pixels; the backbone's own when absent.
        serving_size: The same side when the network serves, where fine-tuning is to be done at another one. Random
            crops show things larger than they are, so that a network is often better at somewhat larger photos than
            those it was fine-tuned on (Touvron et al. 2019, https://arxiv.org/abs/1906.06423).
        both_ways: The network that serves looks at each photo and at its mirror image, and answers with the mean: it is
            a little better, twice as slow, and says the same of both but for rounding.
        min_photos: Labels with fewer photos are left out: they can be neither learnt nor measured.
        phases: Of fine-tuning, one after the other.
        patience: Epochs of a phase without a better validation loss after which it ends; 0: never early.
        keep: The weights of the epoch with the best validation loss, or of the last one. On small sets that loss is
            noisy, and where the weights are averaged, the last ones are the better choice.
        precision: Of the network that serves; ``auto`` takes the cheapest that is as good on validation.
        sure_precision: Share of right answers wanted among the sure ones; the threshold is chosen on ``val``.
        outliers: A dataset of photos that show none of the labels. Nothing is learnt from them: it is measured how
            many come out unsure.
    """

    name: Name | None = Field(None, description="The model's name; the dataset's when absent.")
    backbone: BackboneName = Field("efficientnet_lite0", description="The pretrained network below the head.")
    start: Start = Field("imagenet", description="The backbone's first weights: imagenet, random, or a model's name.")
    image_size: int | None = Field(
        None, ge=32, le=1024, description="Side of the input, px; the backbone's own if absent."
    )
    serving_size: int | None = Field(
        None, ge=32, le=1024, description="The same after fine-tuning, px; image_size if absent."
    )
    both_ways: bool = Field(False, description="Serve the mean of the answers for a photo and its mirror image.")
    min_photos: int = Field(12, ge=3, description="Labels with fewer photos are left out.")
    seed: int = Field(0, ge=0, lt=2**31, description="The same seed gives the same model.")
    head: Head = Head()
    phases: tuple[Phase, ...] = Field((), max_length=20)
    optimizer: Optimizer = Optimizer()
    augmentation: Augmentation = Augmentation()
    regularization: Regularization = Regularization()
    distillation: Distillation = Distillation()
    patience: int = Field(4, ge=0, description="Epochs without progress after which a phase ends; 0: never early.")
    keep: Literal["best", "last"] = Field("best", description="Which epoch's weights are kept.")
    precision: Precision | Literal["auto"] = Field("float16", description="Of the network that serves.")
    sure_precision: float = Field(0.9, gt=0, lt=1, description="Share of right answers wanted among the sure ones.")
    outliers: Name | None = Field(None, description="A dataset of photos of nothing on the list, to measure on.")

    @property
    def teachers(self) -> int:
        """How many are trained; without phases there is nothing that they could teach."""
        return self.distillation.teachers if self.phases else 0

    @property
    def epochs(self) -> int:
        """Of all phases together, if none ends early."""
        return sum(phase.epochs for phase in self.phases)


def presets() -> list[str]:
    """The names of the recipes that ship."""
    return sorted(path.stem for path in PRESETS.glob("*.toml"))


def load(reference: str, changes: Sequence[str] = ()) -> Recipe:
    """Reads a recipe.

    Args:
        reference: A preset's name, a TOML file's path, or that of a model's ``bundle.json``, which carries its recipe.
        changes: ``KEY=VALUE``, in TOML's notation, with dots between the keys of parts: ``optimizer.batch_size=32``,
            ``phases.0.epochs=3``.

    Raises:
        RecipeInvalid: There is no such recipe, a key is unknown or a value out of range; it is named.
    """
    path = PRESETS / f"{reference}.toml" if reference in presets() else Path(reference)
    try:
        text = path.read_text("utf-8")
        values = json.loads(text)["recipe"] if path.suffix == ".json" else tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeInvalid(f"{path} is no TOML: {error}.") from error
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise RecipeInvalid(f"{path} is no model's bundle.json.") from error
    except (OSError, ValueError) as error:
        known = ", ".join(presets())
        raise RecipeInvalid(f"There is no recipe {reference[:200]}. Take one of {known}, or a TOML file.") from error
    for change in changes:
        _change(values, change)
    return validate(values)


def validate(values: dict[str, Any]) -> Recipe:
    """Makes a recipe of plain values.

    Raises:
        RecipeInvalid: A key is unknown or a value out of range; it is named.
    """
    try:
        return Recipe.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        if first["type"] == "extra_forbidden":
            raise RecipeInvalid(f"A recipe has no {where}.") from error
        raise RecipeInvalid(f"The recipe's {where} cannot be {str(first['input'])[:100]}: {first['msg']}.") from error


def _change(values: dict[str, Any], change: str) -> None:
    key, equals, text = change.partition("=")
    if not equals:
        raise RecipeInvalid(f"“{change[:100]}” is not of the form KEY=VALUE.")
    place: Any = values
    *parents, last = key.strip().split(".")
    try:
        for name in parents:
            place = place[int(name)] if isinstance(place, list) else place.setdefault(name, {})
        if isinstance(place, list):
            place[int(last)] = _value(text)
        else:
            place[last] = _value(text)
    except (ValueError, IndexError, TypeError, AttributeError):
        raise RecipeInvalid(f"The recipe has no {key.strip()[:100]}.") from None


def _value(text: str) -> Any:
    """A value in TOML's notation; what is none is taken for a text without its quotes."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()
