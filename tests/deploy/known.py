"""What may stand in a manifest: variables that something reads, commands that an image has, addresses that answer."""

import importlib.util
import re
import sys
from functools import cache
from importlib import metadata
from pathlib import Path

import yaml

from api_service.config import ApiSettings
from har_core.config import PROJECT_ROOT, Settings
from tests.deploy.containerfile import CONTAINERFILE, held, stages
from tools.document_settings import PACKAGES, STARTING, rows

# That of Streamlit's server.
_APP_HEALTH = "/_stcore/health"


def variables() -> set[str]:
    """Those that the project's settings, or the packages that it uses, read."""
    return {row.name for row in (*rows(Settings), *rows(ApiSettings), *STARTING, *PACKAGES)}


def variables_of_mlflow() -> set[str]:
    """Those that MLflow's server reads, as its sources say; to import it takes seconds."""
    root = Path(str(importlib.util.find_spec("mlflow").origin)).parent
    sources = [root / "cli" / "__init__.py", root / "utils" / "cli_args.py", root / "environment_variables.py"]
    return {name for path in sources for name in re.findall(r'"(MLFLOW_[A-Z_]+)"', path.read_text("utf-8"))}


@cache
def paths() -> set[str]:
    """What the API and the app answer to GET."""
    text = (PROJECT_ROOT / "docs" / "api" / "openapi.yaml").read_text("utf-8")
    described = yaml.load(text, yaml.CSafeLoader)["paths"]  # safe, and quick
    return {path for path, methods in described.items() if "get" in methods} | {_APP_HEALTH}


def require_command(target: str, command: list[str]) -> None:
    """Fails when an image lacks the program, or what it is to run."""
    files = set(held(stages()[target]))
    program, *words = command
    if program != "python":
        assert _packages_of(program) & _requirements(target), f"{program} is not among the packages of {target}"
    elif words[0] == "-m":
        place = words[1].replace(".", "/")
        assert {f"{place}.py", f"{place}/__main__.py"} & files, f"{target} has no module {words[1]}"
    else:
        assert words[0] in files, f"{target} has no {words[0]}"
    if words[0] == "manage.py":
        assert _has_verb(words[1]), f"manage.py has no {words[1]}"
    for word in words:
        if word.endswith(".py"):
            assert word in files, f"{target} has no {word}"


def _requirements(target: str) -> set[str]:
    path = CONTAINERFILE.parent / f"requirements-{target}.txt"
    text = (path if path.exists() else PROJECT_ROOT / "requirements.txt").read_text("utf-8")
    return set(re.findall(r"^[a-z0-9.-]+", text, flags=re.MULTILINE))


@cache
def _packages_of(program: str) -> set[str]:
    assert (Path(sys.executable).parent / program).exists(), f"there is no program {program}"
    return {
        package.name.lower()
        for package in metadata.distributions()
        if any(entry.name == program and entry.group == "console_scripts" for entry in package.entry_points)
    }


def _has_verb(name: str) -> bool:
    import django.core.management

    folders = [Path(django.core.management.__file__).parent, *(PROJECT_ROOT / "api_service").glob("*/management")]
    return any((folder / "commands" / f"{name}.py").exists() for folder in folders)
