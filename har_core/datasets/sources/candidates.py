"""What a source offers, before anything is read."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Candidate:
    """A photo that a source names.

    Attributes:
        label: None when the source gives none.
        split: ``train``, ``val`` or ``test`` where the source says so.
        group: Photos of one scene share it; None: nothing is known.
    """

    path: Path
    label: str | None
    source: str
    split: str | None = None
    group: str | None = None


@dataclass(frozen=True)
class Skipped:
    """An entry that was left out, and why."""

    path: str
    code: str
    message: str


@dataclass
class Source:
    """All that one source offers.

    Attributes:
        kind: Which importer read it.
        origin: What it read.
        skipped: Entries that were refused at sight.
    """

    kind: str
    origin: str
    candidates: list[Candidate] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def skip(self, path: object, code: str, message: str) -> None:
        """Notes an entry that is left out."""
        self.skipped.append(Skipped(str(path), code, message))


def inside(root: Path, path: Path) -> bool:
    """Whether a path, with all links followed, lies below a folder."""
    return path.resolve().is_relative_to(root.resolve())
