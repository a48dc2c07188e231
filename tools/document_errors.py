"""The text of docs/reference/errors.md: every stable code, what it means, and what to do.

Codes, statuses and meanings come from the exceptions; what to do is said here, for each.
"""

import os

import django

from har_core.config import PROJECT_ROOT

REFERENCE = PROJECT_ROOT / "docs" / "reference" / "errors.md"

_HEAD = """# Errors

<!-- Written by `python -m tools.document` from the exceptions, and from what `tools/document_errors.py` says to do. -->

Every error has a `code` that programs may compare with; it stays. The sentence beside it is for people: it names the
case at hand, and its words may change. Codes appear in `error.code` of rows, in `code` of the API's problems, with the
status given here, and as the attribute `code` of exceptions in Python.
"""
_PACK_ANEW = "pack the zip anew: plain files, stored or deflated"
_AGAIN = "send it again after as many seconds as `Retry-After` says"
_DAMAGED = "get the photo again: its file is damaged"
_SEE = "read the sentence: it says what stands against it"

# Families in the order of the page; in each, code → what to do.
WHAT_TO_DO = {
    "Photos": {
        "image_error": _SEE,
        "empty_image": "send the photo's bytes: there were none",
        "image_too_large": "make the photo smaller, or raise `HAR_MAX_IMAGE_BYTES`",
        "too_many_pixels": "make the photo smaller, or raise `HAR_MAX_IMAGE_PIXELS` or `HAR_MAX_IMAGE_SIDE`",
        "not_an_image": "send JPEG, PNG, WebP, BMP, GIF or HEIC",
        "unsupported_format": "send JPEG, PNG, WebP, BMP, GIF or HEIC",
        "truncated_image": _DAMAGED,
        "corrupt_image": _DAMAGED,
        "file_unreadable": "correct the path, or let this account read the file",
        "photo_changed": "put the photo back as it was, or exclude it from the dataset",
    },
    "Videos": {
        "video_error": _SEE,
        "video_too_large": "cut the video, or raise `HAR_MAX_VIDEO_BYTES`",
        "too_many_video_pixels": "shrink the video, or raise `HAR_MAX_VIDEO_PIXELS`",
        "not_a_video": "bring MP4, MOV, WebM, MKV, AVI or 3GP",
        "no_video_stream": "bring a file with moving pictures",
        "unsupported_video": "convert it to H.264, H.265, VP8, VP9 or AV1",
        "corrupt_video": "get the video again: its file is damaged",
        "video_failed": "try a shorter or smaller part of it",
    },
    "Models": {
        "model_error": _SEE,
        "model_not_found": "name a model that `har models list` shows; over HTTP, have the model in service mended",
        "model_loading": "ask again in a moment",
        "bundle_broken": "run `har models verify`; take the model from a backup, or promote another one",
        "history_broken": "mend `HAR_HOME/serving.json`, or remove it: then the model of `HAR_MODEL` is in service",
        "promotion_refused": "see what was examined (`checks`); some of it can be overridden with a reason",
        "promotion_busy": "ask again when the other model has been examined",
        "promotion_unfinished": "send the same request again: it goes on from there",
        "import_refused": "export the model again where it comes from; see the sentence for what is wrong",
        "registry_unreachable": "see whether MLflow's server is up, and what `MLFLOW_TRACKING_URI` says",
        "unknown_model": "name a model that `GET models` lists",
    },
    "Datasets": {
        "dataset_error": "name a dataset that there is, or one that is not taken: the sentence says which",
        "dataset_not_found": "name one that `har data list` or `GET datasets` shows",
        "dataset_broken": "import the dataset again, or bring it back from a backup",
        "source_unusable": "arrange the photos as the sentence says",
        "collection_error": _SEE,
        "collection_not_found": "begin again with the page *My own actions*: the collection was removed",
        "collection_full": "remove photos, or make a dataset of those that are there",
        "action_invalid": "give the action another name",
    },
    "Trainings": {
        "training_error": "see the sentence: this dataset, or this training as it stands, does not allow it",
        "recipe_invalid": "mend what the sentence names in the recipe, or in `--set`",
        "run_not_found": "name a run that `har runs list` or `GET trainings` shows",
        "search_invalid": "mend what the sentence names in `--vary`, or name a search that there is",
        "team_lost": "see why a worker went; `har train --resume RUN` goes on",
        "queue_unreachable": "see whether the queue's server is up (`HAR_QUEUE_URL`), then ask again",
        "backbone_unavailable": "choose a backbone that is known, or let its weights be downloaded",
    },
    "Feedback": {
        "feedback_error": "have room made on the server, or its folder made writable",
        "feedback_off": "nothing: feedback is not taken here (`HAR_FEEDBACK`)",
        "label_invalid": "send a label of 1 to 100 printable characters",
        "feedback_not_found": "name a photo of which something is kept",
        "feedback_added": "nothing: a dataset has the photo, and it cannot be changed here",
        "feedback_full": "review what waits, or raise `HAR_MAX_FEEDBACK_PHOTOS`",
        "prediction_not_found": "send the photo: its answer is not kept any more",
    },
    "Zips of photos": {
        "archive_error": _PACK_ANEW,
        "archive_broken": "send a zip that is whole",
        "archive_empty": "send a zip that holds photos",
        "archive_too_large": "send several smaller zips",
        "unsafe_path": _PACK_ANEW,
        "link": _PACK_ANEW,
        "encrypted": _PACK_ANEW,
        "unsupported_compression": _PACK_ANEW,
        "damaged_entry": _PACK_ANEW,
    },
    "Bulk scoring": {
        "batch_error": _SEE,
        "input_unusable": "correct the folder, the pattern or the table's column",
        "output_unusable": "name another file, or remove the one that is there",
        "run_changed": "give the photos, model and options of the beginning, or remove `OUTPUT.partial` to begin anew",
        "cluster_unusable": "install `requirements-cluster.txt`, and see whether the cluster of `RAY_ADDRESS` is up",
    },
    "Jobs of the API": {
        "job_not_found": "name a job of this key",
        "idempotency_conflict": "take another `Idempotency-Key` for another job",
        "too_many_jobs": "wait until one of your jobs has ended",
        "job_storage_full": "have room made on the server",
        "results_incomplete": "wait for the job, or add `partial=true`",
        "job_expired": "send the job again",
        "job_elsewhere": "ask the host that took the job",
        "model_gone": "send the job again: another model answers now",
        "job_crashed": "leave out the photos that the sentence names, and send the rest again",
        "job_files_unusable": "have the server's disk looked at, then send the job again",
    },
    "Keys and limits": {
        "key_missing": "send a key: `Authorization: Bearer KEY`",
        "key_invalid": "send a key that is known, and neither expired nor revoked",
        "scope_missing": "use a key with the scope that the sentence names",
        "forbidden": "not from a page of another site, unless `HAR_API_CORS_ORIGINS` names it",
        "rate_limited": _AGAIN,
        "overloaded": _AGAIN,
        "answer_timeout": _AGAIN,
    },
    "Requests": {
        "bad_request": "send what the sentence names; or use a host name that the API answers to",
        "malformed_request": "mend the body: it is not of the form that its type says, or was cut off",
        "invalid_parameter": "mend the parameter or field that the sentence names",
        "not_found": "correct the address",
        "method_not_allowed": "use a method that the header `Allow` names",
        "not_acceptable": "ask for a form that the operation has",
        "request_timeout": "send it again, by a faster connection",
        "request_too_large": "send fewer photos at a time, or a [job](../api/jobs.md)",
        "too_many_images": "send fewer photos at a time, or a [job](../api/jobs.md)",
        "unsupported_media_type": "send a body of a type that the operation takes",
        "headers_too_large": "send smaller headers",
        "internal_error": "report it with its `request_id`",
    },
    "The system itself": {
        "settings_invalid": "correct the variable that the sentence names: [configuration](../configuration.md)",
        "database_unreachable": "see whether the database's server is up (`DATABASE_URL`)",
        "database_not_migrated": "run `python manage.py migrate`",
        "backup_error": _SEE,
        "backup_failed": "make room, or name another place; an earlier backup of that name is still there",
        "restore_refused": "bring the backup into an empty `HAR_HOME`; take another one, if it is damaged",
    },
}


def text() -> str:
    """The whole page.

    Raises:
        KeyError: A code is not told here; nothing must be left out.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "api_service.settings")
    django.setup()
    from api_service import urls  # noqa: F401, PLC0415  # Brings all errors with it.
    from api_service.documentation import codes  # noqa: PLC0415

    known = dict(codes.known())
    parts = [_HEAD]
    for family, rows in WHAT_TO_DO.items():
        parts.append(f"\n## {family}\n\n| code | status | means | what to do |\n| --- | --- | --- | --- |\n")
        for name, advice in rows.items():
            code = known.pop(name)
            parts.append(f"| `{name}` | {code.status.value} | {code.meaning} | {advice} |\n")
    if known:
        raise KeyError(f"WHAT_TO_DO does not tell {', '.join(known)}.")
    return "".join(parts)
