"""Reads the Containerfile, and makes of it what a container engine would, as far as that goes without one.

A stage's packages are installed by the commands that stand in it, into a folder in place of /opt/venv, and its files
are copied from what git has and .dockerignore lets through. What only an engine can do is left out: users, read-only
mounts, Debian's own packages.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

from har_core.config import PROJECT_ROOT

CONTAINERFILE = PROJECT_ROOT / "deploy" / "containers" / "Containerfile"
TARGETS = ("api", "app", "worker")


@dataclass
class Stage:
    """A part of the Containerfile, from one FROM to the next."""

    name: str
    base: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def last(self, word: str) -> str:
        """What the last instruction of a kind says, here or in what the stage begins with; empty without one."""
        own = next((said for found, said in reversed(self.lines) if found == word), "")
        return own or (stages()[self.base].last(word) if self.base in stages() else "")

    def command(self) -> list[str]:
        return json.loads(self.last("CMD"))

    def health(self) -> list[str] | None:
        found = self.last("HEALTHCHECK")
        return None if found == "NONE" else json.loads(found.partition("CMD ")[2])

    def environment(self) -> dict[str, str]:
        found = stages()[self.base].environment() if self.base in stages() else {}
        for word, said in self.lines:
            if word == "ENV":
                found |= dict(part.split("=", 1) for part in shlex.split(said))
        return found

    def copies(self) -> list[tuple[str, list[str], str]]:
        """From which stage (empty: the project), what, where to; those of what it begins with come first."""
        found = stages()[self.base].copies() if self.base in stages() else []
        for word, said in self.lines:
            if word == "COPY":
                *options, last = shlex.split(said)
                source = next((part.partition("=")[2] for part in options if part.startswith("--from=")), "")
                found = [*found, (source, [part for part in options if not part.startswith("--")], last)]
        return found


@cache
def stages() -> dict[str, Stage]:
    """All stages by name."""
    found: dict[str, Stage] = {}
    text = re.sub(r"^\s*#.*\n", "", CONTAINERFILE.read_text("utf-8"), flags=re.MULTILINE)
    for line in re.sub(r"\\\n\s*", " ", text).splitlines():
        word, _, said = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = said.partition(" AS ")
            stage = found[name] = Stage(name, base)
        elif word:
            stage.lines.append((word, said.strip()))
    return found


@cache
def tracked() -> list[str]:
    """The files that git has, or would have: those that are new and not ignored are among them."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, check=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (PROJECT_ROOT / name).is_file()]


def is_ignored(path: str) -> bool:
    """Whether .dockerignore keeps a file out: the last pattern that fits it, or a folder above it, decides."""
    parts = PurePosixPath(path).parts
    above = ["/".join(parts[: n + 1]) for n in range(len(parts))]
    ignored = False
    for line in (PROJECT_ROOT / ".dockerignore").read_text("utf-8").splitlines():
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        wanted = re.compile(_as_regex(pattern.removeprefix("!")))
        if any(wanted.fullmatch(name) for name in above):
            ignored = not pattern.startswith("!")
    return ignored


def _as_regex(pattern: str) -> str:
    parts = {"**/": "(.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.sub(
        r"\*\*/|\*\*|\*|\?|[^*?]+",
        lambda match: parts.get(match[0], re.escape(match[0])),
        pattern,
    )


class Image:
    """What a target would hold, in folders of this machine."""

    def __init__(self, target: str, folder: Path) -> None:
        """Copies the files; ``install`` brings the packages."""
        self.stage = stages()[target]
        self.app, self.venv, self.home = folder / "app", folder / "venv", folder / "home"
        self.home.mkdir(parents=True)
        self._copy(self.stage, self.app)

    def install(self) -> None:
        """Runs the uv commands of the stage that the packages come from."""
        source = next(source for source, what, _ in self.stage.copies() if what == ["/opt/venv"])
        stage = stages()[source]
        context = self.app.parent / "context"
        self._copy(stage, context)
        for word, said in stage.lines:
            if word == "RUN" and "uv " in said:
                command = re.sub(r"--mount=\S+ ", "", said).replace("/opt/venv", str(self.venv))
                path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # Where uv is.
                subprocess.run(command, shell=True, check=True, cwd=context, env={**os.environ, "PATH": path})

    def environment(self, **more: str) -> dict[str, str]:
        """The image's variables and these, and of this machine's only what a program needs to run at all."""
        # An image's bytecode is made when it is built. Here it is kept by whatever is started first, and elsewhere.
        kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(self.app.parent / "bytecode")}
        found = self.stage.environment() | kept | more
        found["PATH"] = found["PATH"].replace("$PATH", os.environ["PATH"])
        return {name: self._here(value) for name, value in found.items()}

    def arguments(self, command: list[str]) -> list[str]:
        """A command that stands in a Containerfile or manifest, by the program's place here."""
        program = self.venv / "bin" / command[0]
        assert program.exists(), f"{command[0]} is not among the packages of {self.stage.name}"
        return [str(program), *map(self._here, command[1:])]

    def size(self) -> float:
        """Megabytes that the packages take on the disk."""
        return sum(path.lstat().st_blocks * 512 for path in self.venv.rglob("*")) / 1e6

    def _here(self, text: str) -> str:
        for there, here in (("/opt/venv", self.venv), ("/var/lib/har", self.home), ("/app", self.app)):
            text = re.sub(rf"(?<![\w/.]){there}(?![\w-])", str(here), text)
        return text

    def _copy(self, stage: Stage, root: Path) -> None:
        for place, source in held(stage).items():
            (root / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_ROOT / source, root / place)


def held(stage: Stage) -> dict[str, str]:
    """The project's files that a stage has: place in its working directory → place in the project."""
    found: dict[str, str] = {}
    for origin, sources, to in stage.copies():
        if origin and sources == ["/app"]:
            found |= held(stages()[origin])
        elif not origin:
            for source in sources:
                found |= _copied(source, to)
    return found


def _copied(source: str, to: str) -> dict[str, str]:
    """As COPY does: a folder's content goes to the place, a file into it where the place ends with a slash."""
    names = [name for name in tracked() if name == source or name.startswith(f"{source}/")]
    assert names, f"COPY {source}: git has no such file"
    into = Path(source).name if to.endswith("/") and names == [source] else ""
    return {
        (Path(to) / (name.removeprefix(source).removeprefix("/") or into)).as_posix(): name
        for name in names
        if not is_ignored(name)
    }
