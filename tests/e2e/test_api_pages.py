"""The API's description as pages, in a real browser."""

import pytest
import yaml

from har_core.config import PROJECT_ROOT
from tests.conftest import EXAMPLES
from tests.servers import api

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    home = tmp_path_factory.mktemp("api")
    with api(home / "log", HAR_HOME=str(home)) as found:
        yield found


@pytest.fixture
def page(browser, base):
    """A page that fails the test where anything is had from another host, or a script fails."""
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    tab.set_default_timeout(60_000)
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("requestfinished", lambda request: errors.append(request.url) if not request.url.startswith(base) else None)
    yield tab
    tab.close()
    own = [error for error in errors if not error.startswith(("blob:", "data:"))]
    assert not own


def test_a_photo_can_be_tried_out_in_swagger_ui(page, base):
    page.goto(f"{base}/api/docs")
    operation = page.locator("#operations-predictions-create_prediction")
    operation.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.locator("input[type=file]").first.set_input_files(EXAMPLES / "cycling.jpg")
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .response")
    answer.get_by_text('"label": "cycling"').or_(answer.get_by_text('"cycling"')).first.wait_for()
    assert answer.locator(".response-col_status").inner_text().startswith("200")


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["docs", "redoc"])
def test_the_pages_show_every_operation_at_any_width(page, base, name, width):
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{base}/api/{name}")
    document = yaml.safe_load((PROJECT_ROOT / "docs" / "api" / "openapi.yaml").read_text())
    for operation in [operation for path in document["paths"].values() for operation in path.values()]:
        page.get_by_text(operation["summary"], exact=True).last.wait_for(state="attached")
    page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=width)


def test_an_operation_fits_a_phone(page, base):
    page.set_viewport_size({"width": 390, "height": 900})
    page.goto(f"{base}/api/docs")
    page.locator("#operations-jobs-create_job").click()
    page.locator(".responses-table .header-example").first.wait_for()
    page.wait_for_function(
        "[...document.querySelectorAll('.responses-table *')].every(each => each.getBoundingClientRect().right <= 390)"
    )
