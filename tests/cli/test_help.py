"""What somebody meets who has just installed it."""

import re
import subprocess
import sys

import pytest

from har_cli.main import _VERBS
from tests.conftest import PROJECT_ROOT

LINES = {name: line for verbs in _VERBS.values() for name, line in verbs.items()}


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")


def test_the_help_names_each_verb_with_what_its_own_help_begins_with(call):
    code, out, err = call("--help")
    assert (code, err) == (0, "")
    for name, line in LINES.items():
        assert re.search(rf"\b{name} +{re.escape(line)}", out)
        code, own, _ = call(name, "--help")
        assert code == 0
        assert f"Usage: har {name} " in own
        assert re.split(r"\n\s*\n", own)[1].strip() == line


def test_the_help_and_completion_load_nothing_that_is_slow():
    code = (
        "import sys; from har_cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "assert not {'numpy', 'pandas', 'PIL', 'django', 'huey'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, "--help"], cwd=PROJECT_ROOT, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("words", "found"), [("har ", [*LINES]), ("har data im", ["import"]), ("har predict --to", ["--top-k"])]
)
def test_a_shell_completes_verbs_and_options(call, words, found):
    place = str(len(words.split(" ")) - 1)
    code, out, _ = call(_HAR_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=place)
    assert (code, out.split()) == (0, found)


def test_a_mistyped_verb_is_answered_with_the_one_that_is_meant(call):
    code, out, err = call("predcit", "photo.jpg")
    assert (code, out) == (2, "")
    assert "Did you mean 'predict'?" in err


def test_it_says_its_version(call):
    code, out, _ = call("--version")
    assert code == 0
    assert re.fullmatch(r"har \d+\.\d+\.\d+\n", out)
