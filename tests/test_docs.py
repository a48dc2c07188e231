"""The docs: what they tell to type can be typed, what they link to is there, and the site is built of them."""

import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from pymdownx.slugs import slugify

from har_cli.main import app
from har_core.config import PROJECT_ROOT

DOCS = PROJECT_ROOT / "docs"
PAGES = [
    *(PROJECT_ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    PROJECT_ROOT / "data" / "README.md",
    *sorted(DOCS.rglob("*.md")),
]
# Why the commands of a page are not run: all of them are only looked at.
NOT_RUN = {
    "README.md": "the rest starts servers, or asks one",
    "CONTRIBUTING.md": "runs all tests",
    "data/README.md": "needs photos that are not ours to hand on",
    "docs/index.md": "the rest starts servers",
    "docs/tutorial.md": "the rest starts a server, or asks one",
    "docs/batch.md": "needs very many photos, a store or a cluster; tests/core/batch, tests/cluster",
    "docs/datasets.md": "needs photos, or downloads them; the tutorial's are run",
    "docs/evaluation.md": "needs labelled photos; tests/cli/test_evaluate.py",
    "docs/feedback.md": "asks a server; tests/api/test_feedback.py",
    "docs/serving.md": "needs models that were trained; tests/cli/test_models_*.py",
    "docs/training.md": "takes minutes to hours; tests/training",
    "docs/training-at-scale.md": "needs hosts or hours; tests/training/test_search.py, test_distributed.py",
    "docs/deploy.md": "asks servers",
    "docs/deploy": "needs root, systemd, containers or a cluster; tests/deploy",
    "docs/api": "asks a server; tests/api/test_documentation.py runs the guide, test_client.py the client's page",
    "docs/reference": "examples of each command's own help; tests/cli",
}
_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>runs|fails) -->\n)?^```(?P<kind>sh|python)\n(?P<code>.*?)^```", re.DOTALL | re.MULTILINE
)
_FENCED = re.compile(r"^```.*?^```|`[^`\n]+`", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)\)")
_SLUG = slugify(case="lower")
_BETWEEN = "();&|"  # What stands between commands.


def name_of(page: Path) -> str:
    return page.relative_to(PROJECT_ROOT).as_posix()


def blocks(page: Path) -> list[re.Match[str]]:
    return list(_BLOCK.finditer(page.read_text("utf-8")))


def commands(code: str) -> list[list[str]]:
    """The simple commands of a block, in words; what a shell makes of them is left as it stands."""
    found: list[list[str]] = []
    for line in code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=_BETWEEN)
        lexer.whitespace_split = True
        found.append([])
        for word in lexer:
            if set(word) <= set(_BETWEEN):
                found.append([])
            else:
                found[-1].append(word)
    return [words for words in map(without_wrappers, found) if words]


def without_wrappers(words: list[str]) -> list[str]:
    """A command without variables before it, and without what runs it in another place."""
    if "exec" in words:
        words = words[words.index("exec") + 1 :]
        while words[0].startswith("-"):
            words = words[1:]
        words = words[2:] if words[1] == "--" else words[1:]  # Without the container's name.
    while words and (re.match(r"[A-Za-z_]+=", words[0]) or words[0] == "har-run"):
        words = words[1:]
    return words


def complaint(words: list[str]) -> str | None:
    """What is wrong with a command of ours; None for those of others."""
    program, arguments = Path(words[0]).name, words[1:]
    try:
        if program == "har":
            parse_har(arguments)
        elif program == "make":
            targets = [word for number, word in enumerate(arguments) if word != "-C" and arguments[number - 1] != "-C"]
            subprocess.run(["make", "-n", *targets], cwd=PROJECT_ROOT, check=True, capture_output=True)
        elif re.fullmatch(r"python[\d.]*", program) and arguments[0] == "-m":
            assert importlib.util.find_spec(arguments[1]), f"there is no module {arguments[1]}"
        elif re.fullmatch(r"python[\d.]*", program) and arguments[0] == "manage.py":
            parse_manage(arguments[1], arguments[2:])
    except Exception as error:
        return f"{shlex.join(words)}: {error!r}"
    return None


def parse_har(arguments: list[str]) -> None:
    command, context, name = typer.main.get_command(app), None, "har"
    while hasattr(command, "resolve_command"):
        context = typer.Context(command, parent=context, info_name=name)
        name, command, arguments = command.resolve_command(context, arguments)
    command.make_context(name, list(arguments), parent=context)


def parse_manage(name: str, arguments: list[str]) -> None:
    import django
    from django.core import management

    django.setup()
    command = management.load_command_class(management.get_commands()[name], name)
    command.create_parser("manage.py", name).parse_args(arguments)


def test_what_is_written_from_the_code_is_up_to_date():
    """In a process of its own: errors of the app, which other tests bring along, are none of the API's."""
    outdated = (
        "from tools import document\n"
        "print([page.REFERENCE.name for page in document.PAGES if page.REFERENCE.read_text('utf-8') != page.text()])"
    )
    done = subprocess.run(
        [sys.executable, "-c", outdated], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout == "[]\n", f"run: make reference\n{done.stderr}"


def test_every_command_can_be_typed(monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "api_service.settings")
    found = [
        (page, words)
        for page in PAGES
        for block in blocks(page)
        if block["kind"] == "sh"
        for words in commands(block["code"])
    ]
    ours = [words for _, words in found if Path(words[0]).name == "har"]
    assert len(ours) > 50
    wrong = [f"{name_of(page)}: {said}" for page, words in found if (said := complaint(words))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "words",
    [
        ["har", "predit"],
        ["har", "predict", "a.jpg", "--topk", "3"],
        ["har", "data", "split"],
        ["make", "coffee"],
        ["python", "-m", "tools.nothing"],
        ["python", "manage.py", "create_key", "--scop"],
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_is_found(words, monkeypatch):
    monkeypatch.setenv("DJANGO_SETTINGS_MODULE", "api_service.settings")
    assert complaint(words)


def test_commands_are_run_or_it_is_said_why_not():
    silent = []
    for page in PAGES:
        name = name_of(page)
        left = [block for block in blocks(page) if block["kind"] == "sh" and not block["mark"]]
        if left and not any(name == known or name.startswith(f"{known}/") for known in NOT_RUN):
            silent.append(name)
    assert not silent


@pytest.fixture
def checkout(tmp_path) -> Path:
    """A folder like the project's, in which commands may write."""
    folder = tmp_path / "project"
    folder.mkdir()
    for path in PROJECT_ROOT.iterdir():
        if path.name not in ("var", ".git"):
            (folder / path.name).symlink_to(path)
    return folder


@pytest.mark.parametrize("page", [page for page in PAGES if any(block["mark"] for block in blocks(page))], ids=name_of)
def test_marked_blocks_do_what_is_said(page, checkout, home):
    """In order, each as its page has it; ``fails`` stands for the exit code 1."""
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HAR_HOME": str(home)}
    for block in blocks(page):
        if not block["mark"]:
            continue
        run = ["bash", "-euo", "pipefail", "-c"] if block["kind"] == "sh" else [sys.executable, "-c"]
        done = subprocess.run([*run, block["code"]], cwd=checkout, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == (block["mark"] == "fails"), block["code"] + done.stdout + done.stderr


def test_every_link_in_the_repository_leads_somewhere():
    wrong = []
    for page in PAGES:
        for link in _LINK.finditer(_FENCED.sub("", page.read_text("utf-8"))):
            path, _, anchor = link["target"].partition("#")
            if re.match(r"[a-z]+:", path):
                continue
            target = (page.parent / path).resolve() if path else page
            if not target.exists() or (anchor and anchor not in anchors(target)):
                wrong.append(f"{name_of(page)}: {link['target']}")
    assert not wrong


def anchors(page: Path) -> set[str]:
    text = page.read_text("utf-8")
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {_SLUG(heading.replace("`", ""), "-") for heading in headings} | set(re.findall(r'id="([^"]+)"', text))


def test_the_site_is_built_and_needs_nothing_from_elsewhere(tmp_path):
    """Strictly: a page that is not in the menu, or a link or an anchor that is missing, fails it."""
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = list(site.rglob("*.html"))
    assert len(pages) > 30
    loaded = re.compile(
        r"<(?:script|img|iframe)\b[^>]*\bsrc=[\"']?(?:https?:)?//|<link\b(?![^>]*rel=[\"']?canonical)[^>]*href=[\"']?(?:https?:)?//"
    )
    assert [path.name for path in pages if loaded.search(path.read_text("utf-8"))] == []
