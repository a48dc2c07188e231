"""Every exception that a caller of the library can meet: a stable ``code`` for programs, a sentence for people."""

from typing import ClassVar


class HarError(Exception):
    """Base of all errors that are not bugs.

    Attributes:
        code: Stable identifier, safe to compare with.
    """

    code: ClassVar[str] = "error"


class SettingsInvalid(HarError):
    """A setting has a value that it cannot have."""

    code = "settings_invalid"


class ImageError(HarError):
    """The bytes cannot be used as a photo."""

    code = "image_error"


class EmptyImage(ImageError):
    """There are no bytes at all."""

    code = "empty_image"


class ImageTooLarge(ImageError):
    """More bytes than the limit allows."""

    code = "image_too_large"


class TooManyPixels(ImageError):
    """The header announces more pixels, or a longer side, than the limit allows."""

    code = "too_many_pixels"


class NotAnImage(ImageError):
    """The bytes are of no image format that we know."""

    code = "not_an_image"


class UnsupportedFormat(ImageError):
    """The bytes are of a known format that we do not read."""

    code = "unsupported_format"


class TruncatedImage(ImageError):
    """The image ends before its pixels do."""

    code = "truncated_image"


class CorruptImage(ImageError):
    """The image announces a format that its content does not keep to."""

    code = "corrupt_image"


class FileUnreadable(HarError):
    """A file cannot be opened or read."""

    code = "file_unreadable"


class ModelError(HarError):
    """A model cannot be used."""

    code = "model_error"


class ModelNotFound(ModelError):
    """No bundle goes by that name or lies in that folder."""

    code = "model_not_found"


class BundleBroken(ModelError):
    """A bundle's files are missing, changed or do not fit each other."""

    code = "bundle_broken"


class DatasetError(HarError):
    """A dataset cannot be used."""

    code = "dataset_error"


class DatasetNotFound(DatasetError):
    """No dataset goes by that name."""

    code = "dataset_not_found"


class DatasetBroken(DatasetError):
    """A dataset's files are missing or damaged."""

    code = "dataset_broken"


class SourceUnusable(DatasetError):
    """What is to be imported is not there, or not laid out as expected."""

    code = "source_unusable"


class TrainingError(HarError):
    """A model cannot be trained."""

    code = "training_error"


class RecipeInvalid(TrainingError):
    """A recipe is not there, or says what cannot be done."""

    code = "recipe_invalid"


class RunNotFound(TrainingError):
    """No training run goes by that name."""

    code = "run_not_found"


class BackboneUnavailable(TrainingError):
    """A backbone is unknown, or its weights cannot be had."""

    code = "backbone_unavailable"
