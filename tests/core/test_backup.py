"""What is worth keeping, saved while others write, and brought back whole or not at all."""

import io
import itertools
import json
import os
import random
import shutil
import sqlite3
import stat
import tarfile
import threading
import time
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from har_core import backup, feedback, identity
from har_core.datasets import ingest, store
from har_core.datasets.sources import folder, people
from har_core.errors import BackupFailed, RestoreRefused
from tests.conftest import PROJECT_ROOT
from tests.core.datasets.conftest import class_folders  # noqa: F401 - a fixture
from tests.core.test_feedback import photo, say


def put(home: Path, name: str, content: bytes = b"x") -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def tree(home: Path) -> dict[str, bytes]:
    return {str(path.relative_to(home)): path.read_bytes() for path in home.rglob("*") if path.is_file()}


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "saved" / "har.tar"


@pytest.fixture
def elsewhere(tmp_path, use_setting):
    """From now on, HAR_HOME is another folder."""

    def move(name: str = "elsewhere") -> Path:
        use_setting("HOME", tmp_path / name)
        return tmp_path / name

    return move


def test_what_is_kept_comes_back_as_it_was(home, archive, elsewhere):
    put(home, "serving.json", b"[]")
    put(home, "runs/one/epochs.json", b"[1]")
    put(home, "models/tiny@1/model.tflite", bytes(range(256)) * 1000)
    (home / "mlflow" / "artifacts").mkdir(parents=True)
    before = tree(home)
    saved = backup.save(archive)
    assert (saved.files, saved.size, saved.elsewhere) == (3, archive.stat().st_size, 0)
    there = elsewhere()
    assert backup.restore(archive) == 3
    assert tree(there) == before
    assert (there / "mlflow" / "artifacts").is_dir()


def test_what_refers_to_others_and_what_moves_is_copied_first(home, archive):
    order = [
        *(
            "queue.db",
            "serving.json",
            "feedback/a.json",
            "feedback/a.jpg",
            "runs/one/run.json",
            "runs/one/checkpoint.npz",
        ),
        *("datasets/small/dataset.json", "datasets/small/added/a.jpg", "models/tiny@2/model.tflite"),
    ]
    for name in order:
        put(home, name)
    put(home, "datasets/small/manifest.parquet")
    backup.save(archive)
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    for before, after in itertools.pairwise(order[1:]):
        assert names.index(before) < names.index(after)
    assert names.index("datasets/small/dataset.json") < names.index("datasets/small/manifest.parquet")
    assert max(map(names.index, ("queue.db", "serving.json"))) < names.index("feedback")


def test_what_can_be_made_anew_is_left_out(home, archive, elsewhere):
    put(home, "kept.json")
    for name in (*backup.LEFT_OUT, "runs/one/.outcome.json-x1"):
        put(home, f"{name}/file")
    for name in (
        "lost+found/file",
        "worker.lock",
        "runs/one/lock",
        "jobs.started",
        "feedback/.lock",
        "datasets/.removed-old/dataset.json",
    ):
        put(home, name)
    backup.save(archive)
    there = elsewhere()
    backup.restore(archive)
    assert list(tree(there)) == ["kept.json"]


def test_folders_may_be_called_like_locks(home, archive, elsewhere):
    names = ["datasets/lock/dataset.json", "searches/my.lock/search.json"]
    for name in names:
        put(home, name)
    backup.save(archive)
    there = elsewhere()
    backup.restore(archive)
    assert sorted(tree(there)) == names


def test_a_file_that_is_called_as_the_list_is_left_out(home, archive, elsewhere):
    put(home, "backup.json")
    put(home, "runs/backup.json")
    backup.save(archive)
    there = elsewhere()
    backup.restore(archive)
    assert list(tree(there)) == ["runs/backup.json"]


def test_what_folders_are_called_in_a_database_or_queue_comes_along(home, archive, elsewhere):
    names = [identity.of(home / folder) for folder in ("jobs", "runs")]
    backup.save(archive)
    there = elsewhere()
    backup.restore(archive)
    assert [identity.of(there / folder) for folder in ("jobs", "runs")] == names


def test_a_name_of_a_folder_that_a_power_failure_left_empty_is_made_anew(home):
    put(home, "jobs/.identity", b"")
    name = identity.of(home / "jobs")
    assert len(name) == 16
    assert identity.of(home / "jobs") == identity.known(home / "jobs") == name


def test_secrets_stay_readable_by_their_owner_alone(home, archive, elsewhere):
    put(home, "secret_key").chmod(0o600)
    put(home, "feedback/a.json")
    (home / "feedback").chmod(0o700)
    backup.save(archive)
    there = elsewhere()
    backup.restore(archive)
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (archive, there / "secret_key", there / "feedback")]
    assert modes == [0o600, 0o600, 0o700]


def test_the_documentation_names_what_is_left_out():
    said = (PROJECT_ROOT / "docs" / "deploy" / "backup.md").read_text("utf-8")
    assert [name for name in backup.LEFT_OUT if f"`{name}/`" not in said] == []


@contextmanager
def busy(do):
    """Does something again and again, in a thread, while the block runs."""
    stop, failed = threading.Event(), []

    def work():
        number = 0
        while not stop.is_set():
            try:
                do(number)
            except Exception as error:
                failed.append(error)
                return
            number += 1

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert not failed


@pytest.mark.parametrize("journal", ["WAL", "DELETE"])
def test_a_database_that_is_written_to_is_saved_as_it_is_at_one_moment(home, archive, elsewhere, journal):
    home.mkdir()
    with closing(sqlite3.connect(home / "api.db", check_same_thread=False, timeout=60)) as database:
        database.execute(f"PRAGMA journal_mode={journal}")
        database.execute("CREATE TABLE pairs (side TEXT)")

        def write(_):
            with database:
                database.execute("INSERT INTO pairs VALUES ('left')")
                database.execute("INSERT INTO pairs VALUES ('right')")
            time.sleep(0.002)

        write(0)
        with busy(write):
            for number in range(5):
                backup.save(archive.with_name(str(number)))
    for number in range(5):
        there = elsewhere(f"there-{number}")
        backup.restore(archive.with_name(str(number)))
        assert list(tree(there)) == ["api.db"]
        with closing(sqlite3.connect(there / "api.db")) as restored:
            assert restored.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            left, right = (
                restored.execute("SELECT count(*) FROM pairs WHERE side=?", [side]).fetchone()[0]
                for side in ("left", "right")
            )
        assert left == right > 0


def test_what_is_removed_meanwhile_is_left_out(home, archive, elsewhere):
    put(home, "serving.json", b"[]")

    def come_and_go(number):
        put(home, f"jobs/{number}/results.jsonl")
        put(home, f"jobs/{number}/deep/photos.zip")
        shutil.rmtree(home / "jobs" / str(number))

    with busy(come_and_go):
        for _ in range(100):
            backup.save(archive)
    there = elsewhere()
    backup.restore(archive)
    assert (there / "serving.json").read_bytes() == b"[]"


def add_accepted(seed: int) -> None:
    """As ``har data append small --from feedback`` does it."""
    feedback.accept(say(photo(seed), "reading").photo)
    accepted = feedback.entries("accepted")
    if store.names():
        ingest.append("small", people.read(accepted, store.load("small")))
    else:
        ingest.ingest("small", people.read(accepted), copy=True)
    feedback.settle(accepted, "small")


def test_datasets_and_feedback_that_are_written_to_are_saved_whole(archive, elsewhere):
    add_accepted(0)
    with busy(lambda number: add_accepted(number + 1)):
        for number in range(3):
            backup.save(archive.with_name(str(number)))
    for number in range(3):
        elsewhere(f"there-{number}")
        backup.restore(archive.with_name(str(number)))
        dataset = store.load("small")
        base = dataset.base()
        assert len(base) == dataset.info.images >= 1
        assert all(Path(path).is_file() for path in base["path"])
        # Each photo is in one of the two, if not in both; but for one that was just being kept, whose record is first.
        entries = feedback.entries()
        waiting = [entry for entry in entries if feedback.photo_path(entry.photo).exists()]
        assert dataset.info.images + len(waiting) >= len(entries) - 1


def test_fixes_of_photos_that_a_dataset_holds_itself_move_with_it(home, archive, elsewhere):
    for seed in range(4):
        add_accepted(seed)
    dataset = store.load("small")
    dataset.apply("exclude", dataset.base()["path"].tolist()[:2])
    assert backup.save(archive).elsewhere == 0
    elsewhere()
    shutil.rmtree(home)
    backup.restore(archive)
    moved = store.load("small")
    assert moved.manifest()["excluded"].sum() == 2
    assert all(Path(path).is_file() for path in moved.fixes()[0].paths)


def test_fixes_that_earlier_versions_kept_with_the_whole_path_count():
    for seed in range(4):
        add_accepted(seed)
    dataset = store.load("small")
    paths = dataset.base()["path"].tolist()[:2]
    fix = {"id": 1, "time": "", "action": "exclude", "paths": paths}
    (dataset.folder / "fixes.json").write_text(json.dumps([fix]))
    assert dataset.manifest()["excluded"].sum() == 2
    dataset.undo()
    assert dataset.manifest()["excluded"].sum() == 0


def test_photos_that_lie_elsewhere_are_counted(class_folders, archive):  # noqa: F811
    ingest.ingest("small", folder.read(class_folders))
    assert backup.save(archive).elsewhere == 30


def test_photos_of_a_dataset_behind_a_link_do_not_lie_elsewhere(home, archive, tmp_path):
    for seed in range(2):
        add_accepted(seed)
    (home / "datasets").rename(tmp_path / "large-disk")
    (home / "datasets").symlink_to(tmp_path / "large-disk")
    assert backup.save(archive).elsewhere == 0


def test_links_are_followed_and_not_in_circles(home, archive, elsewhere, tmp_path):
    put(tmp_path, "large-disk/mine/dataset.json", b"{}")
    home.mkdir()
    (home / "datasets").symlink_to(tmp_path / "large-disk")
    (tmp_path / "large-disk" / "round").symlink_to(home)
    (home / "cache").symlink_to(tmp_path / "gone")
    backup.save(archive)
    there = elsewhere()
    backup.restore(archive)
    assert (there / "datasets" / "mine" / "dataset.json").read_bytes() == b"{}"


@pytest.mark.parametrize("target", ["gone", "datasets"])
def test_a_link_that_leads_nowhere_is_told(home, archive, target):
    put(home, "serving.json")
    (home / "datasets").symlink_to(target)
    with pytest.raises(BackupFailed, match="datasets is a link that leads nowhere"):
        backup.save(archive)
    assert not archive.exists()


def test_a_backup_within_what_it_is_of_is_refused(home):
    put(home, "kept.json")
    with pytest.raises(BackupFailed, match="another place"):
        backup.save(home / "backups" / "har.tar")


def test_a_folder_is_no_place_for_a_backup(home, tmp_path, monkeypatch):
    put(home, "kept.json")
    monkeypatch.setattr(backup, "_write", pytest.fail)
    with pytest.raises(BackupFailed, match=r"is a folder\. Name a file in it: .*/har\.tar"):
        backup.save(tmp_path)


def test_without_a_home_there_is_nothing_to_save(archive):
    with pytest.raises(BackupFailed, match="nothing to save"):
        backup.save(archive)
    assert not archive.exists()


def test_a_name_that_is_no_text_is_told(home, archive):
    home.mkdir()
    Path(os.fsdecode(os.fsencode(home) + b"/\xff.json")).touch()
    with pytest.raises(BackupFailed, match="no text"):
        backup.save(archive)


# What is not brought back


def refused(archive: Path, home: Path, match: str | None = None) -> None:
    with pytest.raises(RestoreRefused, match=match):
        backup.restore(archive)
    assert list(home.iterdir()) == []


@pytest.fixture
def saved(home, archive) -> Path:
    put(home, "serving.json", b"[]")
    put(home, "runs/one/epochs.json", b"[1, 2, 3]")
    backup.save(archive)
    shutil.rmtree(home)
    return archive


def test_a_home_that_is_in_use_is_left_alone(saved, home):
    put(home, "api.db", b"mine")
    with pytest.raises(RestoreRefused, match=r"not empty: it has api\.db"):
        backup.restore(saved)
    assert tree(home) == {"api.db": b"mine"}


def test_folders_that_containers_mount_in_it_are_nothing_while_they_are_empty(saved, home):
    put(home, "cache/mine")
    (home / "metrics").mkdir()
    with pytest.raises(RestoreRefused, match="not empty: it has cache"):
        backup.restore(saved)
    (home / "cache" / "mine").unlink()
    assert backup.restore(saved) == 2
    assert (home / "metrics").is_dir()


def test_what_a_killed_restore_left_is_cleared_away(saved, home):
    put(home, ".restoring-abc/half")
    (home / "lost+found").mkdir()
    assert backup.restore(saved) == 2
    assert not (home / ".restoring-abc").exists()


def test_a_changed_byte_of_a_file_is_found(saved, home):
    content = saved.read_bytes()
    assert content.count(b"[1, 2, 3]") == 1
    saved.write_bytes(content.replace(b"[1, 2, 3]", b"[1, 2, 4]"))
    refused(saved, home, "epochs.json' is missing or changed")


def test_what_is_cut_off_anywhere_is_refused(saved, home):
    content = saved.read_bytes()
    end = content.index(b"backup.json")
    for length in range(0, end + 1, 256):
        saved.write_bytes(content[:length])
        refused(saved, home, "is no backup, or is damaged")


def test_whatever_is_damaged_is_refused_or_harmless(saved, home):
    content, chance = saved.read_bytes(), random.Random(0)
    wanted = {"serving.json": b"[]", "runs/one/epochs.json": b"[1, 2, 3]"}
    came_back = 0
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(chance.choice((1, 1, 1, 20))):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        saved.write_bytes(damaged)
        try:
            backup.restore(saved)
        except RestoreRefused:
            assert list(home.iterdir()) == []
        else:  # Between the entries there is padding.
            assert tree(home) == wanted
            came_back += 1
            shutil.rmtree(home)
    assert 0 < came_back < 300


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


HOSTILE = {
    "leaves": entry("../outside"),
    "leaves on the way": entry("runs/../../outside"),
    "absolute": entry("/tmp/outside"),
    "hidden": entry(".profile"),
    "hidden below": entry("runs/.lock"),
    "link": entry("runs", tarfile.SYMTYPE, "/etc"),
    "hard link": entry("passwd", tarfile.LNKTYPE, "/etc/passwd"),
    "link within": entry("runs", tarfile.SYMTYPE, "serving.json"),
    "device": entry("null", tarfile.CHRTYPE),
    "pipe": entry("pipe", tarfile.FIFOTYPE),
    "control characters": entry("a\x1b[31mb"),
    "twice": entry("serving.json"),
    "below a file": entry("serving.json/x"),
    "unlisted": entry("more.json"),
}


def write_by_hand(archive: Path, *entries: tarfile.TarInfo, unlisted: str = "", format_: int = 1) -> None:
    """An archive of empty entries, and a list that knows them, whatever they are."""
    empty = backup.hashlib.sha256().hexdigest()
    sums = {made.name: empty for made in entries if made.name != unlisted}
    archive.parent.mkdir()
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as tar:
        for made in entries:
            tar.addfile(made, io.BytesIO())
        content = json.dumps({"format": format_, "created": "", "sha256": sums}).encode()
        end = entry("backup.json")
        end.size = len(content)
        tar.addfile(end, io.BytesIO(content))


def test_what_does_no_harm_is_not_refused(home, archive):
    write_by_hand(
        archive, entry("serving.json"), entry("runs", tarfile.DIRTYPE), entry("runs/epochs.json"), unlisted="runs"
    )
    assert backup.restore(archive) == 2
    assert tree(home).keys() == {"serving.json", "runs/epochs.json"}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_could_do_harm_is_refused(kind, home, archive, tmp_path):
    write_by_hand(archive, entry("serving.json"), HOSTILE[kind], unlisted="more.json")
    refused(archive, home)
    assert not (tmp_path / "outside").exists()


def test_a_sparse_file_that_would_fill_the_disk_is_refused(home, archive):
    huge = entry("huge.bin")
    huge.pax_headers = {"GNU.sparse.map": "0,0", "GNU.sparse.size": str(10**12), "GNU.sparse.numblocks": "1"}
    write_by_hand(archive, huge)
    refused(archive, home, "neither a file")


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100, bytes(10240)])
def test_what_is_no_backup_is_told(home, archive, content):
    put(archive.parent, archive.name, content)
    refused(archive, home, "is no backup, or is damaged")


def test_a_file_that_is_not_there_is_told(home, archive):
    refused(archive, home, "No such file")


def test_a_backup_of_a_later_version_is_told(home, archive):
    write_by_hand(archive, format_=2)
    refused(archive, home, "format")
