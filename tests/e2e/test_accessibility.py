"""Every page, empty and filled, in both themes and on a phone; and one that is used by keyboard alone."""

from collections.abc import Iterable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from har_core import config
from tests.servers import app
from tools import example_home
from tools.take_screenshots import EMPTY, FILLED, Shot, open_shot, until_drawn

pytestmark = pytest.mark.browser

PHONE = 390
# What keeps people from using a page; and what Streamlit leaves to us, though axe takes it for less.
GRAVE = ("serious", "critical")
OURS = ("heading-order", "page-has-heading-one", "empty-heading", "image-alt")

# Made of the same parts as others that are looked at, or empty where no model was trained.
ALIKE = (
    *("webcam-snapshot", "training-live-empty", "training-runs-empty", "models-history-empty"),
    *("photos-one", "dataset-import", "training-live", "training-runs", "feedback-accepted"),
    *("evaluation-labels", "evaluation-slices", "evaluation-compare", "models-history", "models-import"),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("accessibility") / "home"


@pytest.fixture(scope="module")
def base(home):
    with app(home.parent / "log", HAR_HOME=str(home)) as found:
        yield found


@pytest.fixture
def _filled(home):
    """Fills the state folder of the app that runs; it comes after the test of the empty one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HAR_HOME", str(home))
        config.settings.cache_clear()
        example_home.fill()
    config.settings.cache_clear()


def findings(page: Page, rules: list[str] | None = None) -> list[str]:
    """What axe finds; a line each.

    Args:
        page: As it is drawn now.
        rules: Only these; all where there are none.
    """
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{rule['id']} at {node['html'][:160]}: {'; '.join(check['message'] for check in node['any'] + node['all'])}"
        for rule in found
        if rule["impact"] in GRAVE or rule["id"] in OURS
        for node in rule["nodes"]
    ]


def wrong_with(page: Page) -> list[str]:
    """What is wrong with a page, on a desk in the light and on a phone in the dark."""
    found = findings(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": PHONE, "height": 844})
    until_drawn(page)
    # The structure is the same; what may differ is how well it can be read.
    found += [f"in the dark: {finding}" for finding in findings(page, ["color-contrast"])]
    width = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 1280, "height": 900})
    return found + [f"{width} px wide on a phone"] * (width > PHONE)


def check(tab: Page, base: str, shots: Iterable[Shot]) -> None:
    found = {}
    for shot in shots:
        open_shot(tab, base, shot)
        found[shot.name] = wrong_with(tab)
    assert not {name: wrong for name, wrong in found.items() if wrong}


def test_pages_with_nothing_to_show_can_be_used_by_everybody(tab, base):
    check(tab, base, (shot for shot in EMPTY if shot.name not in ALIKE))


@pytest.mark.usefixtures("_filled")
def test_pages_with_something_to_show_can_be_used_by_everybody(tab, base):
    check(tab, base, (shot for shot in FILLED if shot.name not in ALIKE))


# What has the focus: how it is called, and whether one can see that it has it.
FOCUS = """() => {
  const focused = document.activeElement, { outlineStyle, boxShadow } = getComputedStyle(focused);
  const name = (focused.innerText || focused.labels?.[0]?.innerText || "").trim();
  // The page itself, which is scrolled by keyboard, is all that one sees.
  return [name, outlineStyle !== "none" || boxShadow !== "none" || focused.tagName === "MAIN"];
}"""


def tab_to(page: Page, wanted: str) -> None:
    """Presses Tab until what bears this name has the focus; wherever the focus is on the way, it can be seen."""
    for _ in range(80):
        page.keyboard.press("Tab")
        name, is_seen = page.evaluate(FOCUS)
        assert is_seen, f"the focus cannot be seen on “{name}”"
        if name == wanted:
            return
    raise AssertionError(f"nobody gets to “{wanted}” by keyboard")


def test_a_photo_is_recognised_by_keyboard_alone(tab, base):
    tab.goto(f"{base}/photos")
    until_drawn(tab)
    tab_to(tab, "climbing")
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("heading", name="climbing")).to_be_visible(timeout=60_000)
    until_drawn(tab)
    tab_to(tab, "Where it looked")
    tab.keyboard.press("Space")
    expect(tab.get_by_text("Bright:").first).to_be_visible(timeout=60_000)
