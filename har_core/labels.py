"""Labels as people read them."""

from html import escape


def label_text(label: str) -> str:
    """A label as people write it: ``using_laptop`` → "using laptop"."""
    return label.replace("_", " ")


def chart_text(label: str) -> str:
    """The same for a Plotly figure, which takes ``<b>``, ``<a href>`` and the like in a text for mark-up."""
    return escape(label_text(label), quote=False)
