"""``python -m tools.document``: writes the reference pages that come from the code, all of them."""

from har_core.files import write_beside
from tools import document_cli, document_errors, document_http, document_settings

PAGES = (document_cli, document_http, document_errors, document_settings)

if __name__ == "__main__":
    for page in PAGES:
        write_beside(page.REFERENCE, page.text())
