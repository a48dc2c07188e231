"""Every exception that a caller of the library can meet: a stable ``code`` for programs, a sentence for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from har_core.serving import Check


class HarError(Exception):
    """Base of all errors that are not bugs.

    Attributes:
        code: Stable identifier, safe to compare with.
    """

    code: ClassVar[str] = "error"

    def to_dict(self) -> dict[str, str]:
        """Code and sentence, ready for JSON."""
        return {"code": self.code, "message": str(self)}


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


class VideoError(HarError):
    """The file cannot be used as a video."""

    code = "video_error"


class VideoTooLarge(VideoError):
    """More bytes than the limit allows."""

    code = "video_too_large"


class TooManyVideoPixels(VideoError):
    """A picture of the video has more pixels than the limit allows."""

    code = "too_many_video_pixels"


class NotAVideo(VideoError):
    """The file is of no video format that we know, or its beginning is damaged."""

    code = "not_a_video"


class NoVideoStream(VideoError):
    """The file is of a video format, but has no moving pictures: only sound, say."""

    code = "no_video_stream"


class UnsupportedVideo(VideoError):
    """The pictures are coded in a way that we do not read."""

    code = "unsupported_video"


class CorruptVideo(VideoError):
    """Not one picture of the video can be decoded."""

    code = "corrupt_video"


class VideoFailed(VideoError):
    """The process that read the video broke down, or took more than it may."""

    code = "video_failed"


class FileUnreadable(HarError):
    """A file cannot be opened or read."""

    code = "file_unreadable"


class PhotoChanged(HarError):
    """A file holds other bytes than when it was imported."""

    code = "photo_changed"


class ModelError(HarError):
    """A model cannot be used."""

    code = "model_error"


class ModelNotFound(ModelError):
    """No bundle goes by that name or lies in that folder."""

    code = "model_not_found"


class ModelLoading(ModelError):
    """The model is not loaded yet."""

    code = "model_loading"


class BundleBroken(ModelError):
    """A bundle's files are missing, changed or do not fit each other."""

    code = "bundle_broken"


class HistoryBroken(ModelError):
    """The record of which model is in service cannot be read or written."""

    code = "history_broken"


class PromotionRefused(ModelError):
    """A model is not put in service; the one that was in service stays.

    Attributes:
        checks: What was examined, where anything was.
    """

    code = "promotion_refused"

    def __init__(self, message: str, checks: Sequence["Check"] = ()) -> None:
        """Takes the sentence and what was examined."""
        super().__init__(message)
        self.checks = list(checks)


class ImportRefused(ModelError):
    """A file holds no model that can be taken in."""

    code = "import_refused"


class RegistryUnreachable(HarError):
    """MLflow's model registry cannot be asked, or does not say what is needed."""

    code = "registry_unreachable"


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


class CollectionError(DatasetError):
    """Photos cannot be collected, or no dataset be made of them."""

    code = "collection_error"


class CollectionNotFound(CollectionError):
    """No collection goes by that name."""

    code = "collection_not_found"


class CollectionFull(CollectionError):
    """There is no room for more photos."""

    code = "collection_full"


class ActionInvalid(CollectionError):
    """The text cannot be an action's name, or another action has it."""

    code = "action_invalid"


class TrainingError(HarError):
    """A model cannot be trained."""

    code = "training_error"


class RecipeInvalid(TrainingError):
    """A recipe is not there, or says what cannot be done."""

    code = "recipe_invalid"


class RunNotFound(TrainingError):
    """No training run goes by that name."""

    code = "run_not_found"


class SearchInvalid(TrainingError):
    """A search for the best recipe is not there, or is to vary what cannot be varied."""

    code = "search_invalid"


class TeamLost(TrainingError):
    """A worker of a training that several share is gone, or did not come."""

    code = "team_lost"


class QueueUnreachable(TrainingError):
    """The queue of trainings cannot be reached."""

    code = "queue_unreachable"


class BackboneUnavailable(TrainingError):
    """A backbone is unknown, or its weights cannot be had."""

    code = "backbone_unavailable"


class FeedbackError(HarError):
    """What a person says of an answer cannot be kept."""

    code = "feedback_error"


class FeedbackOff(FeedbackError):
    """The settings say that nothing is kept."""

    code = "feedback_off"


class LabelInvalid(FeedbackError):
    """The text cannot be a label."""

    code = "label_invalid"


class FeedbackNotFound(FeedbackError):
    """Nothing is kept of that photo."""

    code = "feedback_not_found"


class FeedbackAdded(FeedbackError):
    """The photo belongs to a dataset already."""

    code = "feedback_added"


class FeedbackFull(FeedbackError):
    """As many photos are kept as may be."""

    code = "feedback_full"


class PredictionNotFound(FeedbackError):
    """No answer of that id is kept, or not any more."""

    code = "prediction_not_found"


class ArchiveError(HarError):
    """A zip of photos, or something in it, cannot be used."""

    code = "archive_error"


class ArchiveBroken(ArchiveError):
    """The file is no zip, or its directory is damaged."""

    code = "archive_broken"


class ArchiveEmpty(ArchiveError):
    """The zip holds no photos."""

    code = "archive_empty"


class ArchiveTooLarge(ArchiveError):
    """The zip holds more entries, or more bytes when unpacked, than are accepted."""

    code = "archive_too_large"


class UnsafePath(ArchiveError):
    """An entry's name would lead out of any folder that it is unpacked to."""

    code = "unsafe_path"


class LinkEntry(ArchiveError):
    """An entry is a link, or something else that is no file."""

    code = "link"


class EncryptedEntry(ArchiveError):
    """An entry needs a password."""

    code = "encrypted"


class UnsupportedCompression(ArchiveError):
    """An entry is compressed in a way that is not read here."""

    code = "unsupported_compression"


class DamagedEntry(ArchiveError):
    """An entry's bytes are not those that the zip's directory promises."""

    code = "damaged_entry"


class BackupError(HarError):
    """What is kept cannot be saved, or not be brought back."""

    code = "backup_error"


class BackupFailed(BackupError):
    """A backup cannot be written; an earlier one of the same name stays."""

    code = "backup_failed"


class RestoreRefused(BackupError):
    """A backup is not brought back, and nothing is changed: it is damaged or unsafe, or there is something already."""

    code = "restore_refused"


class BatchError(HarError):
    """Photos cannot be scored in bulk."""

    code = "batch_error"


class InputUnusable(BatchError):
    """What is to be scored is not there, or cannot be listed."""

    code = "input_unusable"


class OutputUnusable(BatchError):
    """The rows cannot be written where they are to be, or something is there already."""

    code = "output_unusable"


class RunChanged(BatchError):
    """What is there was begun with other photos, another model or other options."""

    code = "run_changed"


class ClusterUnusable(BatchError):
    """Ray is not installed, cannot be reached, or has broken down."""

    code = "cluster_unusable"
