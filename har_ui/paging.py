"""Long lists, page by page."""

import streamlit as st


def turned_to(total: int, per_page: int, key: str) -> slice:
    """Draws what turns the pages, where there is more than one; gives the items of the page that is shown.

    Args:
        total: How many items there are.
        per_page: How many at a time.
        key: Of the field. Another list should have another, so that it begins on its first page.
    """
    pages = max(1, -(-total // per_page))
    # A list that got shorter may not have the page any more that was shown.
    page = min(st.pagination(pages, key=key), pages) if pages > 1 else 1
    return slice((page - 1) * per_page, page * per_page)
