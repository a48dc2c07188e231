"""Answers as they are, by operation, for the description."""

from typing import Any

_MODEL = {"name": "everyday", "version": 2}
_ACCURACY = {"value": 0.7238, "low": 0.6729, "high": 0.7746}
_JOB = {
    "id": "1f593db3-b45b-4d24-ba13-a1ffe41ddf9f",
    "state": "running",
    "position": None,
    "model": "everyday@2",
    "top_k": 3,
    "images": {"total": 12000, "done": 4800, "failed": 2, "skipped": 1},
    "created": "2026-11-26T13:01:51.191266Z",
    "started": "2026-11-26T13:01:51.514745Z",
    "finished": None,
    "expires": None,
    "seconds": 40.2,
    "images_per_second": 119.4,
    "remaining_seconds": 60.3,
    "error": None,
    "results": "/api/v1/jobs/1f593db3-b45b-4d24-ba13-a1ffe41ddf9f/results",
}
_WAITING = _JOB | {
    "state": "queued",
    "position": 1,
    "model": None,
    "images": {"total": 12000, "done": 0, "failed": 0, "skipped": 1},
    "started": None,
    "seconds": None,
    "images_per_second": None,
    "remaining_seconds": None,
}
_CANCELLED = _JOB | {
    "state": "cancelled",
    "finished": "2026-11-26T13:02:31.714745Z",
    "expires": "2026-11-27T13:02:31.714745Z",
    "remaining_seconds": None,
}
_SUMMARY = {
    "name": "everyday",
    "version": 2,
    "label_count": 19,
    "input_size": 224,
    "created": "2026-11-25T09:11:54+00:00",
    "size": 27255273,
    "in_service": True,
    "evaluation": {
        "split": "test",
        "n": 315,
        "metrics": {"accuracy": _ACCURACY, "macro_f1": {"value": 0.6328, "low": 0.5751, "high": 0.7262}},
        "outliers": {
            "dataset": "other",
            "n": 300,
            "unsure_share": {"value": 0.8833, "low": 0.8499, "high": 0.9233},
            "auroc": {"value": 0.903, "low": 0.8792, "high": 0.9285},
        },
    },
}
_PROMOTION = {
    "id": 4,
    "action": "promote",
    "model": "everyday@3",
    "before": "everyday@2",
    "who": "API key Ada (k3Jd9sQx)",
    "when": "2026-11-26T13:05:10+00:00",
    "why": "more photos",
    "override": "",
    "checks": [
        {
            "name": "files",
            "title": "Every file is as it was written",
            "passed": True,
            "detail": "5 files have the SHA-256 that the bundle was written with.",
            "is_final": True,
        }
    ],
}
_ROLLBACK = _PROMOTION | {
    "id": 5,
    "action": "rollback",
    "model": "everyday@2",
    "before": "everyday@3",
    "why": "complaints",
}
_FEEDBACK = {
    "photo": "1b8e641f91b73f8af232309bc6d5f0dee7514abd6c3a36a3c3399c84bd8da38c",
    "verdict": "wrong",
    "label": "running",
    "predicted": "jumping",
    "confidence": 0.508,
    "decision": "unsure",
    "model": "everyday@2",
    "prediction_id": "0b7f3f5e-6d0c-4f0e-9d3a-2f6f1d1c8a53",
    "source": "api/k3Jd9sQx",
    "time": "2026-11-26T13:01:12+00:00",
    "status": "new",
    "reviewed_label": None,
    "reviewed": None,
    "dataset": None,
}
_TRAINING: dict[str, Any] = {
    "run": "mine-20261126-124831-d70e",
    "state": "running",
    "position": None,
    "dataset": "mine",
    "model": "mine",
    "bundle": None,
    "metrics": {},
    "message": "",
}
_EPOCH = {
    "epoch": 1,
    "phase": 1,
    "loss": 1.12,
    "accuracy": 0.61,
    "val_loss": 0.98,
    "val_accuracy": 0.68,
    "val_macro_f1": 0.63,
    "learning_rate": 0.0005,
    "seconds": 12.4,
    "photos": 1453,
    "recall": {"running": 0.71, "sitting": 0.82},
    "best": True,
}

ANSWERS: dict[str, Any] = {
    "check_health": {"status": "ok"},
    "check_readiness": {"status": "ready", "model": _MODEL},
    "list_jobs": {"results": [_JOB]},
    "create_job": _WAITING,
    "get_job": _JOB,
    "delete_job": _CANCELLED,
    "list_labels": {"labels": ["climbing", "cycling", "running", "sitting"], "model": _MODEL},
    "list_models": {"results": [_SUMMARY]},
    "get_model": _SUMMARY
    | {
        "labels": ["climbing", "cycling", "running", "sitting"],
        "thresholds": {"confidence": 0.738, "precision": 0.9, "energy": 4.099},
        "precision": "int8",
        "recipe": {"backbone": "efficientnet-lite0", "image_size": 224, "seed": 0},
        "dataset": {"name": "everyday", "fingerprint": "378ea073bce5", "train": 1453, "val": 319, "test": 315},
        "run": "everyday-20261125-091047-9ba1",
        "code_revision": "c2d45c10df57",
        "card": "# everyday@2\n\nWhat people do in everyday photos.\n",
    },
    "list_promotions": {"results": [_PROMOTION]},
    "create_promotion": _PROMOTION,
    "create_rollback": _ROLLBACK,
    "list_feedback": {"total": 1, "results": [_FEEDBACK]},
    "create_feedback": _FEEDBACK,
    "get_feedback": _FEEDBACK,
    "review_feedback": _FEEDBACK
    | {"status": "accepted", "reviewed_label": "running", "reviewed": "2026-11-26T14:00:00+00:00"},
    "list_trainings": {"results": [_TRAINING]},
    "create_training": _TRAINING | {"state": "queued", "position": 1},
    "get_training": _TRAINING
    | {
        "recipe": {"backbone": "efficientnet-lite0", "image_size": 224, "seed": 1},
        "progress": {
            "done": 310,
            "total": 450,
            "what": "Training",
            "epoch": 2,
            "epochs": 10,
            "seconds_left": 96.0,
        },
        "epochs": [_EPOCH],
    },
    "cancel_training": _TRAINING | {"state": "cancelled"},
    "resume_training": _TRAINING | {"state": "queued", "position": 1},
    "get_training_log": {"lines": ["epoch 1: loss 1.120, validation accuracy 0.680", "epoch 2: 310 of 450 steps"]},
    "list_datasets": {
        "results": [
            {
                "name": "mine",
                "created": "2026-11-20T08:00:00+00:00",
                "images": 2087,
                "unlabelled": 0,
                "splits": {"train": 1453, "val": 319, "test": 315},
                "labels": {"running": 1102, "sitting": 985},
            }
        ]
    },
}
