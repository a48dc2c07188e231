"""``har data``: import, append to, list, show, check, split and export datasets."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from har_cli.output import JsonOption, complain, examples, fail, failing_on_errors, quiet_runtime, tell, verb
from har_cli.reporting import ProgressFileOption, reporting
from har_core import feedback
from har_core.datasets import cache, checks, ingest, store
from har_core.datasets.manifest import SPLITS
from har_core.datasets.sources import archive, folder, kaggle_har, people, table
from har_core.datasets.sources.candidates import Skipped, Source
from har_core.datasets.split import split_dataset
from har_core.datasets.store import Dataset
from har_core.errors import DatasetError
from har_core.progress import Progress

app = verb("Make datasets of labelled photos: import, check and split them.")
imports = verb("Make a dataset of photos from one of these sources.")
app.add_typer(imports, name="import")

NameOption = Annotated[
    str, typer.Option("--name", "-n", metavar="NAME", help="The new dataset's name: a-z, 0-9, - and _.")
]
CopyOption = Annotated[bool, typer.Option("--copy", help="Copy the photos, instead of leaving them where they are.")]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The dataset's name.")]
_SHOWN = 5


@imports.command("folder", epilog=examples("har data import folder photos --name mine"))
def import_folder(
    path: Annotated[
        Path,
        typer.Argument(metavar="PATH", help="A folder of class folders, perhaps below train, val and test; or a zip."),
    ],
    name: NameOption,
    copy: CopyOption = False,
    json: JsonOption = False,
    progress_file: ProgressFileOption = None,
) -> None:
    """Import class folders: the label of cycling/1.jpg is cycling."""
    _run(name, lambda progress: folder.read(_unpacked(path, name, progress), path.stem), copy, json, progress_file)


@imports.command("csv", epilog=examples("har data import csv labels.csv --root flickr=/data/flickr --name mine"))
def import_csv(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A CSV with the columns path and label; perhaps source, group and split."),
    ],
    name: NameOption,
    root: Annotated[
        list[str] | None,
        typer.Option(metavar="SOURCE=DIR", help="The folder that the paths of a source are relative to."),
    ] = None,
    copy: CopyOption = False,
    json: JsonOption = False,
    progress_file: ProgressFileOption = None,
) -> None:
    """Import the photos that a CSV file names."""
    _run(name, lambda _: table.read(file, _roots(root or [])), copy, json, progress_file)


@imports.command("kaggle-har")
def import_kaggle_har(
    name: NameOption,
    path: Annotated[
        Path | None,
        typer.Argument(metavar="PATH", help="A folder or zip in the set's layout; downloads it if absent."),
    ] = None,
    copy: CopyOption = False,
    json: JsonOption = False,
    progress_file: ProgressFileOption = None,
) -> None:
    """Import Kaggle's Human Action Recognition set."""

    def read(progress: Progress) -> Source:
        if path is None:
            progress(0, 1, "downloading")
            return kaggle_har.read(kaggle_har.download())
        return kaggle_har.read(_unpacked(path, name, progress))

    _run(name, read, copy, json, progress_file)


@imports.command("feedback")
def import_feedback(name: NameOption, json: JsonOption = False, progress_file: ProgressFileOption = None) -> None:
    """Import what people said of answers and a reviewer accepted; the photos move into the dataset."""
    accepted = feedback.entries("accepted")
    _run(name, lambda _: people.read(accepted), True, json, progress_file)
    with failing_on_errors():
        people.settle(accepted, store.load(name))


@app.command()
def append(
    name: NameArgument,
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Folders of class folders, or CSV files, as for `import`."),
    ] = None,
    origin: Annotated[
        Literal["feedback"] | None, typer.Option("--from", help="What people said of answers and a reviewer accepted.")
    ] = None,
    json: JsonOption = False,
    progress_file: ProgressFileOption = None,
) -> None:
    """Add photos to a dataset. They are copied; where it is split, they are for training.

    A photo that nearly shows what a photo of val or test shows stays in no split: learnt from, it would make figures
    too good.
    """
    if bool(paths) == (origin is not None):
        fail("Give either PATHs or --from feedback.", code=2)
    with failing_on_errors(), reporting(progress_file) as progress:
        accepted = feedback.entries("accepted") if origin else []
        source = people.read(accepted, store.load(name)) if origin else _together(paths or [])
        found = ingest.append(name, source, progress)
        people.settle(accepted, found.dataset)
    _complain_of(found.skipped)
    for path in found.apart[:_SHOWN]:
        complain(f"in no split, since it nearly shows a photo of val or test: {path}")
    for_training = int((found.photos["split"] == "train").sum())
    row = {
        "name": name,
        "added": len(found.photos),
        "for_training": for_training,
        "apart": found.apart,
        "left_out": [asdict(item) for item in found.skipped],
        "images": found.dataset.info.images,
        "fingerprint": found.dataset.fingerprint(),
    }
    text = (
        f"{name}: {len(found.photos)} photos added, {for_training} of them for training, "
        f"{len(found.apart)} in no split; {len(found.skipped)} left out"
    )
    tell(json, row, text)


@app.command("list")
def list_datasets(json: JsonOption = False) -> None:
    """List the datasets."""
    failed = False
    for name in store.names():
        try:
            info = store.load(name).info
        except DatasetError as error:
            failed = True
            complain(str(error))
        else:
            tell(json, info.model_dump(), f"{info.name}: {info.images} photos from {info.kind}, {info.created[:10]}")
    if failed:
        raise typer.Exit(1)


@app.command()
def show(name: NameArgument, json: JsonOption = False) -> None:
    """Show how many photos of each label a dataset has, split by split."""
    with failing_on_errors():
        row = _summary(store.load(name))
    lines = [
        f"{name}: {row['images']} photos, {row['excluded']} excluded, {row['unlabelled']} unlabelled",
        f"from {row['kind']} {row['origin']}; fingerprint {row['fingerprint'][:16]}; {row['fixes']} fixes",
        *(f"  {label}: {_counts(counts)}" for label, counts in row["labels"].items()),
    ]
    tell(json, row, "\n".join(lines))


@app.command()
def check(name: NameArgument, json: JsonOption = False, progress_file: ProgressFileOption = None) -> None:
    """Look for broken files, duplicates, leaks between splits, poor photos and wrong labels.

    Exits with 1 where files cannot be read, or where (near-)duplicates differ in label or lie in different splits.
    """
    with failing_on_errors(), reporting(progress_file) as progress, quiet_runtime():
        report = checks.check(store.load(name), progress)
    tell(json, report.model_dump(), _in_words(report))
    if not report.is_sound:
        raise typer.Exit(1)


@app.command()
def split(
    name: NameArgument,
    val: Annotated[
        float, typer.Option(min=0, max=0.9, metavar="SHARE", help="Of the photos, for choosing among models.")
    ] = 0.15,
    test: Annotated[
        float, typer.Option(min=0, max=0.9, metavar="SHARE", help="Of the photos, for the final figures.")
    ] = 0.15,
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed gives the same split.")] = 0,
    json: JsonOption = False,
    progress_file: ProgressFileOption = None,
) -> None:
    """Split a dataset by label, keeping photos of one scene and near-duplicates together."""
    if val + test >= 1:
        fail("--val and --test leave nothing to train on.", code=2)
    with failing_on_errors():
        dataset = store.load(name)
        with reporting(progress_file) as progress:
            assigned = split_dataset(dataset, val, test, seed, progress).value_counts()
        counts = {key: int(assigned.get(key, 0)) for key in SPLITS}
        fingerprint = dataset.fingerprint()
    tell(json, {"name": name, "fingerprint": fingerprint, **counts}, f"{name}: {_counts(counts)}")


@app.command()
def export(
    name: NameArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The CSV to write.")],
    json: JsonOption = False,
) -> None:
    """Write the list of a dataset's photos, with labels, groups, splits and SHA-256; `import csv` reads it again.

    Whoever has the same photos, in whatever folders, gets the same dataset from it.
    """
    with failing_on_errors():
        count = table.write(store.load(name), file)
    tell(json, {"name": name, "file": str(file), "images": count}, f"{file}: {count} photos")


@app.command()
def remove(name: NameArgument, json: JsonOption = False) -> None:
    """Delete a dataset; photos that were not copied into it stay where they are."""
    with failing_on_errors():
        store.remove(name)
        cache.remove_stale({store.load(other).info.images_fingerprint for other in store.names()})
    tell(json, {"removed": name}, f"removed {name}")


def _run(name: str, read: Callable[[Progress], Source], copy: bool, json: bool, progress_file: Path | None) -> None:
    with failing_on_errors():
        ingest.require_free(name)
        with reporting(progress_file) as progress:
            dataset = ingest.ingest(name, read(progress), progress, copy)
        skipped = dataset.skipped()
        row = dataset.info.model_dump() | {"skipped_by_reason": dict(Counter(skipped["code"]))}
    _complain_of([Skipped(*item) for item in skipped.itertuples(index=False, name=None)])
    tell(json, row, f"{name}: {dataset.info.images} photos imported, {len(skipped)} left out")


def _complain_of(skipped: Sequence[Skipped]) -> None:
    for item in skipped[:_SHOWN]:
        complain(f"left out {item.path}: {item.message}")
    if len(skipped) > _SHOWN:
        complain(f"… and {len(skipped) - _SHOWN} more; --json or the dataset's page lists them all")


def _together(paths: Sequence[Path]) -> Source:
    """What several folders and CSV files offer."""
    sources = [folder.read(path) if path.is_dir() else table.read(path) for path in paths]
    return Source(
        kind="paths",
        origin=", ".join(source.origin for source in sources),
        candidates=[item for source in sources for item in source.candidates],
        skipped=[item for source in sources for item in source.skipped],
    )


def _unpacked(path: Path, name: str, progress: Progress) -> Path:
    """The folder itself, or where a zip's content was unpacked to."""
    if not path.is_file():
        return path
    target = ingest.workplace(name) / "files"
    for item in archive.unpack(path, target, progress):
        complain(f"left out {item.path}: {item.message}")
    return archive.content_root(target)


def _roots(pairs: list[str]) -> dict[str, Path]:
    roots = {}
    for pair in pairs:
        source, equals, path = pair.partition("=")
        if not equals or not Path(path).is_dir():
            fail(f"--root takes SOURCE=DIR with a folder that is there, not {pair}.", code=2)
        roots[source] = Path(path)
    return roots


def _summary(dataset: Dataset) -> dict[str, Any]:
    photos = dataset.manifest()
    used = photos[~photos["excluded"]]
    counts = used.fillna({"split": "unassigned"}).groupby(["label", "split"]).size()
    labels: dict[str, dict[str, int]] = {}
    for label, name, count in counts.reset_index().itertuples(index=False, name=None):
        labels.setdefault(label, {})[name] = int(count)
    return dataset.info.model_dump() | {
        "fingerprint": dataset.fingerprint(),
        "fixes": len(dataset.fixes()),
        "excluded": int(photos["excluded"].sum()),
        "unlabelled": int(used["label"].isna().sum()),
        "labels": labels,
    }


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {split}" for split, count in counts.items())


def _in_words(report: checks.Report) -> str:
    limits = report.thresholds
    lines = [
        f"{report.images} photos",
        f"not readable: {len(report.undecodable)}",
        f"exact duplicates: {len(report.duplicates)} groups",
        f"near-duplicates: {len(report.near_duplicates)} groups, {len(report.near_pairs)} pairs "
        f"(at most {limits['phash_bits']:.0f} and {limits['dhash_bits']:.0f} of 64 bits of two hashes differ)",
        *(f"    {pair.paths[0]} ~ {pair.paths[1]} ({pair.bits} bits)" for pair in report.near_pairs[:_SHOWN]),
        f"(near-)duplicates in different splits: {len(report.cross_split)} groups",
        f"(near-)duplicates with different labels: {len(report.conflicting)} groups",
        f"too dark: {len(report.too_dark)}, too bright: {len(report.too_bright)}, blurred: {len(report.blurred)}, "
        f"small: {len(report.small)}",
        f"labels with fewer than {limits['few_photos']:.0f} photos: {', '.join(report.few) or 'none'}",
        f"photos of the most frequent label for each of the rarest: {report.imbalance:.1f}",
        f"probably wrong labels: {len(report.label_issues)}",
        *(
            f"    {issue.path}: {issue.label}, perhaps {issue.suggested} ({issue.score:.2f})"
            for issue in report.label_issues[:_SHOWN]
        ),
    ]
    return "\n".join(lines)
