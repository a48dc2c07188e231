"""Map: photos laid out in a plane, so that those that look alike lie close together."""

import base64
import io
import time
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import pandas as pd
import streamlit as st
from PIL import Image

from har_core.datasets import cache, likeness
from har_core.labels import label_text
from har_ui import terms
from har_ui.datasets import commands, job_panel, map_chart, tiles
from har_ui.datasets.query import short_name
from har_ui.datasets.view import View

_SIDE = 64
_CHUNK = 100
# Drawn for less, the bar would only make the chart jump.
_PATIENCE = 0.5
_COLOURED_AT_FIRST = 6
_CHART = "photo-map"


def show(view: View) -> None:
    """Draws the section."""
    if cache.cached_embeddings(view.dataset) is None:
        st.info(
            "The map needs to know what each photo looks like. A check works that out, once for each photo.",
            icon=":material/scatter_plot:",
        )
        if st.button("Check now", icon=":material/fact_check:", type="primary", disabled=job_panel.is_busy()):
            job_panel.begin(commands.check(view.dataset.name))
        return
    coloured = st.multiselect(
        "Labels in colour",
        view.labels,
        default=list(view.photos["label"].value_counts().index[:_COLOURED_AT_FIRST]),
        format_func=label_text,
        max_selections=map_chart.MOST_COLOURED,
        key=f"coloured-{view.dataset.name}",
        persist_state="page",
    )
    points = _points(view)
    st.altair_chart(
        map_chart.chart(points, coloured, view.labels),
        key=_CHART,
        on_select=lambda: _open(view),
        selection_mode=map_chart.PICKED,
        alt="Photos laid out by what they look like",
    )
    sampled = f" {len(points):,} of {len(view.photos):,} photos are shown." if len(points) < len(view.photos) else ""
    st.caption(
        "Photos that look alike to a network trained on ImageNet lie close together; distances across the map mean "
        f"nothing. Point at a mark to see its photo, click to open it; scroll to zoom, drag to move.{sampled}",
        help=terms.EMBEDDING,
    )


def _open(view: View) -> None:
    """Opens the photo that was clicked."""
    picked = st.session_state[_CHART]["selection"].get(map_chart.PICKED)
    if picked:
        tiles.choose(view.photos["path"].iloc[int(picked[0]["row"])])


def _points(view: View) -> pd.DataFrame:
    """What ``map_chart.chart`` draws."""
    with st.spinner("Laying out the map; the first time this takes up to a minute …", show_time=True):
        rows, places = likeness.layout(view.dataset)
    photos = view.photos.iloc[rows].assign(x=places[:, 0], y=places[:, 1])
    photos = photos[~photos["excluded"]]
    image = pd.Series(pictures(photos), photos.index, dtype="string")
    return photos[["x", "y", "label"]].assign(row=photos.index, name=photos["path"].map(short_name), image=image)


def pictures(photos: pd.DataFrame) -> list[str | None]:
    """Each photo as a tiny JPEG in a data URL, None where it cannot be read; with a bar, where that takes long."""
    found: list[str | None] = []
    bar, begun = st.empty(), time.monotonic()
    with ThreadPoolExecutor(4) as pool:
        for start in range(0, len(photos), _CHUNK):
            chunk = photos.iloc[start : start + _CHUNK]
            found += pool.map(_picture, chunk["path"], chunk["id"])
            if time.monotonic() - begun > _PATIENCE:
                bar.progress(len(found) / len(photos), f"{len(found):,} of {len(photos):,} pictures")
    bar.empty()
    return found


@lru_cache(maxsize=12_000)
def _picture(path: str, identity: str) -> str | None:
    """A tiny picture as a data URL."""
    payload = tiles.thumbnail(path, identity)
    if payload is None:
        return None
    picture = Image.open(io.BytesIO(payload))
    picture.draft("RGB", (_SIDE, _SIDE))
    picture.thumbnail((_SIDE, _SIDE))
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=60)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
