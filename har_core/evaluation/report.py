"""All that is known of how good a model is, in one file: HTML that opens offline, or JSON."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from plotly.offline import get_plotlyjs

from har_core.datasets import cache
from har_core.errors import HarError
from har_core.evaluation import charts, curves, metrics, slices
from har_core.evaluation.judging import Judged
from har_core.labels import label_text

_MISTAKES = 24
_CONFUSIONS = 12
_MOST_IN_MATRIX = 60
_NAMED = 50

_MISTAKE = ["path", "label", "found", "confidence"]


def thumbnails(judged: Judged) -> dict[str, bytes]:
    """Small JPEGs of the most confident mistakes, by path; those that cannot be read any more are left out."""
    found = {}
    for path, identity in _wrong(judged)[["path", "id"]].itertuples(index=False):
        try:
            found[str(path)] = cache.thumbnail(path, identity)
        except HarError:
            continue
    return found


def summary(judged: Judged) -> dict[str, Any]:
    """The figures, and what was left out, ready for JSON."""
    leaked = judged.leaked
    return {
        "model": judged.model,
        "dataset": judged.dataset,
        "split": judged.split or "all",
        "fingerprint": judged.fingerprint,
        "n": len(judged.answers),
        **{name: metric.model_dump() for name, metric in metrics.figures(judged.answers).items()},
        "leaked": leaked
        and {"n": len(leaked.answers), "accuracy": metrics.figures(leaked.answers)["accuracy"].model_dump()},
        "leaks_known": judged.leaks_known,
        "unknown_labels": judged.unknown,
        "unreadable": judged.unreadable,
    }


def to_dict(judged: Judged) -> dict[str, Any]:
    """The ``summary`` with what lies behind it, ready for JSON; what is undefined is None."""
    answers, bars = judged.answers, judged.info.thresholds
    operating = curves.operating_point(answers, bars.confidence, bars.energy)
    return summary(judged) | {
        "labels": judged.labels,
        "confusion": curves.confusion(answers).tolist(),
        "confused_pairs": _rows(_named(curves.confused_pairs(answers), judged.labels)),
        "per_label": _rows(curves.per_label(answers, judged.labels)),
        "reliability": _rows(curves.reliability(answers)),
        "risk_coverage": _rows(curves.risk_coverage(answers, bars.energy)),
        "operating_point": {
            **vars(operating),
            "coverage": operating.coverage,
            "accuracy": operating.accuracy if operating.sure else None,
        },
        "slices": _rows(slices.slices(judged.clean)),
        "mistakes": _rows(_wrong(judged, len(answers))[_MISTAKE]),
    }


def html(judged: Judged, thumbnails: Mapping[str, bytes]) -> str:
    """The report as one HTML file that needs nothing else, not even a network.

    Args:
        judged: The model's answers.
        thumbnails: JPEGs of the most confident mistakes, by path.
    """
    answers, labels, bars = judged.answers, judged.labels, judged.info.thresholds
    figures, leaked = metrics.figures(answers), judged.leaked
    operating = curves.operating_point(answers, bars.confidence, bars.energy)
    counts, table = curves.confusion(answers), slices.slices(judged.clean)
    shown = charts.order_by_confusion(counts)[:_MOST_IN_MATRIX]
    risk = charts.risk_coverage(curves.risk_coverage(answers, bars.energy), original=operating)
    template = _environment().get_template("report.html.jinja")
    return template.render(
        judged=judged,
        n=len(answers),
        time=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        plotly=get_plotlyjs(),
        figures=[(title, figures[name]) for name, title in charts.TITLES.items()],
        leaked=leaked and (len(leaked.answers), metrics.figures(leaked.answers)["accuracy"]),
        unreadable=[(Path(path).name, why) for path, why in list(judged.unreadable.items())[:_NAMED]],
        unreadable_more=max(0, len(judged.unreadable) - _NAMED),
        matrix=_chart(charts.confusion_matrix(counts, labels, True, shown)),
        matrix_left_out=len(labels) - len(shown),
        pairs=_rows(_named(curves.confused_pairs(answers).head(_CONFUSIONS), labels)),
        per_label=curves.per_label(answers, labels).to_dict("records"),
        reliability=_chart(charts.reliability(curves.reliability(answers))),
        risk=_chart(risk),
        operating=operating,
        slices=_chart(charts.slices(table, figures["accuracy"].value)) if len(table) else "",
        mistakes=[
            {**photo, "name": Path(photo["path"]).name, "thumbnail": _as_uri(thumbnails.get(photo["path"]))}
            for photo in _rows(_wrong(judged)[_MISTAKE])
        ],
    )


def _wrong(judged: Judged, count: int = _MISTAKES) -> pd.DataFrame:
    """The photos with wrong answers, the most confident first, with ``found`` and ``confidence``."""
    places = curves.mistakes(judged.answers)[:count]
    some = judged.answers.take(places)
    found = np.array(judged.labels, object)[some.found]
    return judged.photos.iloc[places].assign(found=found, confidence=some.confidence)


def _named(pairs: pd.DataFrame, labels: list[str]) -> pd.DataFrame:
    """Confused pairs with the labels' names in place of their indices."""
    names = np.array(labels, object)
    return pairs.assign(truth=names[pairs["truth"]], found=names[pairs["found"]])


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(frame.to_json(orient="records"))
    return rows


def _chart(figure: go.Figure) -> str:
    """HTML, which the template takes as it is: Plotly escapes what would end a script, and the charts escape names."""
    return str(
        figure.to_html(full_html=False, include_plotlyjs=False, config={"displayModeBar": False, "responsive": True})
    )


def _as_uri(payload: bytes | None) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(payload).decode()}" if payload else ""


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["words"] = label_text
    environment.filters["figure"] = lambda value: "–" if np.isnan(value) else f"{value:.3f}"
    environment.filters["percent"] = lambda value: f"{value:.0%}"
    return environment
