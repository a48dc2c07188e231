"""Pages in Streamlit's own test harness: how they are opened, read and used."""

import re

from streamlit.testing.v1 import AppTest

from har_core.config import PROJECT_ROOT


def page_at(path: str, **query) -> AppTest:
    """A page that was not run yet; links to other pages are only found from the app's front door."""
    app = AppTest.from_file(str(PROJECT_ROOT / "Home.py"), default_timeout=240).switch_page(path)
    for key, value in query.items():
        app.query_params[key] = value
    return app


def run(widget_or_app) -> AppTest:
    app = widget_or_app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    """All that the page says, without the marks that keep it from being mark-up."""
    return re.sub(r"\\(.)", r"\1", raw_texts(app))


def raw_texts(app: AppTest) -> str:
    kinds = (
        app.header,
        app.subheader,
        app.markdown,
        app.caption,
        app.info,
        app.error,
        app.warning,
        app.success,
        app.toast,
    )
    return " ".join(str(element.value) for kind in kinds for element in kind)


def button(app: AppTest, text: str):
    return next(item for item in app.button if re.sub(r"\\(.)", r"\1", item.label) == text)


def has_button(app: AppTest, text: str) -> bool:
    return any(re.sub(r"\\(.)", r"\1", item.label) == text for item in app.button)


def figures(app: AppTest) -> dict[str, str]:
    """Title → value."""
    return {metric.label: metric.value for metric in app.metric}
