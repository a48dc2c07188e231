"""One model in detail: its figures, where it comes from, how fast it is here, and the way into service."""

from pathlib import Path
from tempfile import TemporaryDirectory

import streamlit as st

from har_core import latency, transfer
from har_core.bundle import Bundle
from har_core.errors import HarError
from har_core.labels import label_text
from har_ui import terms
from har_ui.evaluation import state as evaluation
from har_ui.models import actions, card, gate, health, lineage, service, tables
from har_ui.page import plain

_TILE = 140


def show(model: Bundle) -> None:
    """Draws the model."""
    info, reference = model.info, model.reference
    in_service = service.reference()
    badge = " :green-badge[:material/check_circle: in service]" * (reference == in_service)
    st.header(f"{plain(reference)}{badge}")
    made = tables.moment(info.created)
    st.caption(
        f"{len(info.labels)} labels · {info.input_size} × {info.input_size} px · {info.precision} · "
        f"measured on {info.evaluation.n:,} photos of the {plain(info.evaluation.split)} split"
        + (f" · made {made:%Y-%m-%d %H:%M} UTC" if made else "")
    )
    card.figures(info.evaluation.metrics)
    _ways(model, in_service)
    gate.show(model)
    _speed(model)
    lineage.show(model)
    card.show(model)
    with st.expander(f"Its {len(info.labels)} labels", icon=":material/label:", key="labels"):
        st.markdown(" · ".join(plain(label_text(label)) for label in info.labels))
    with st.expander("On the command line", icon=":material/terminal:", key="model-commands"):
        st.code(
            f"har models show {reference}\nhar models verify {reference}\nhar predict PHOTO.jpg --model {reference}\n"
            f"har models export {reference} --format bundle --output {reference}.zip",
            language="shell",
        )


def _ways(model: Bundle, in_service: str) -> None:
    """What else can be done with it."""
    reference = model.reference
    other = in_service if in_service != reference else ""
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.button(
            "Try it on a photo",
            icon=":material/compare:",
            on_click=actions.open_beside,
            args=(other or reference, reference),
            key="try-it",
        )
        st.download_button(
            "Export as zip",
            lambda: packed(model),
            f"{reference}.zip",
            "application/zip",
            icon=":material/folder_zip:",
            help=f"{terms.BUNDLE} All of it, {model.size / 1e6:.0f} MB, to be imported elsewhere.",
            on_click="ignore",
            disabled=bool(health.complaint(model)),
            key="export",
        )
        st.page_link(
            "pages/evaluation.py",
            label=f"Compare it with {plain(other)} on a dataset" if other else "Judge it on a dataset",
            icon=":material/analytics:",
            query_params={
                "judged": reference,
                **({evaluation.PART: evaluation.COMPARE, "against": other} if other else {}),
            },
        )


def packed(model: Bundle) -> bytes:
    """A model as the content of a zip file.

    Raises:
        BundleBroken: A file was changed since the bundle was written.
    """
    with TemporaryDirectory() as folder:
        path = Path(folder) / "bundle.zip"
        transfer.pack(model, path)
        return path.read_bytes()


def _speed(model: Bundle) -> None:
    """How fast it is, here and where it was made, and the forms that were tried."""
    here = latency.known(model)
    with st.expander("Speed and size", icon=":material/speed:", key="speed"):
        with st.container(horizontal=True, vertical_alignment="center"):
            said = f"**{here:.1f} ms** a photo" if here else "Not measured yet"
            st.markdown(f"{said} on this machine: median, without decoding.")
            if st.button("Measure here", icon=":material/timer:", key="measure"):
                try:
                    with st.spinner("Measuring …"):
                        latency.measure(model)
                except HarError as error:
                    st.error(plain(str(error)), icon=":material/error:")
                else:
                    st.rerun()
        if model.info.exports:
            st.dataframe(tables.forms(model.info), hide_index=True, column_config=_FORMS, height="content")
            st.caption(
                "The forms of the network that were tried when it was made, there: one photo on one core. “Off” is how "
                "far a probability is from that of the network as it was trained, at most."
            )


_FORMS = {
    "form": st.column_config.TextColumn("Form", help=terms.FORM),
    "size": st.column_config.NumberColumn("Size", format="%.1f MB"),
    "accuracy": st.column_config.NumberColumn("Accuracy on val", format="%.1f %%"),
    "time": st.column_config.NumberColumn("Time", format="%.1f ms"),
    "parity": st.column_config.NumberColumn("Off", format="%.4f", help=terms.PARITY),
}
