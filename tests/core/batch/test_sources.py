"""What an input means: the same photos in the same order each time, few of them in memory."""

import itertools
import os
import pickle
import subprocess
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import fs, parquet

from har_core import images
from har_core.batch import locations, sources
from har_core.errors import FileUnreadable, ImageTooLarge, InputUnusable
from tests.core.batch.photos import photo


@pytest.fixture
def put(tmp_path, monkeypatch):
    """Makes files in the folder that we are in."""
    monkeypatch.chdir(tmp_path)

    def make(*names: str, payload: bytes = b"x") -> None:
        for name in names:
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(payload)

    return make


def listed(text, column=None) -> list[str]:
    return list(sources.find(str(text), column).paths())


def test_a_folder_gives_its_photos_as_elsewhere_in_the_project(put, tmp_path):
    put("p/b.jpg", "p/a/2.PNG", "p/a.jpg", "p/a/1/x.webp", "p/notes.txt", "p/.hidden.jpg", "p/.git/y.jpg", "p/z.jpeg")
    assert listed("p") == [str(path) for path in images.find(Path("p"))]
    assert listed("p") == ["p/a/1/x.webp", "p/a/2.PNG", "p/a.jpg", "p/b.jpg", "p/z.jpeg"]
    assert listed("p/") == listed("p")
    assert listed(".") == listed("p")
    assert listed(tmp_path / "p") == [str(tmp_path / path) for path in listed("p")]
    assert sources.find("p").count() == 5


def test_a_folder_that_links_to_itself_is_listed_once(put):
    put("p/a/1.jpg")
    Path("p/a/again").symlink_to(Path("p").resolve())
    Path("p/link.jpg").symlink_to(Path("p/a/1.jpg").resolve())
    Path("p/broken.jpg").symlink_to("nowhere")
    Path("p/circle.jpg").symlink_to("circle.jpg")
    os.mkfifo("p/pipe.jpg")
    assert listed("p") == ["p/a/1.jpg", "p/link.jpg"]
    assert listed("p/*/*/a/1.jpg") == ["p/a/again/a/1.jpg"]


PARTS = st.sampled_from(["a", "b", "ab", "a.jpg", "b.jpg", ".h"])
PATTERN_PARTS = st.sampled_from(["a", "*", "**", "?", "a*", "*.jpg", "[ab]", "b"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.lists(PARTS, min_size=1, max_size=4).map("/".join), max_size=12),
    st.lists(PATTERN_PARTS, min_size=1, max_size=4),
)
def test_a_pattern_means_what_it_means_to_python(tmp_path_factory, names, parts):
    root = tmp_path_factory.mktemp("tree")
    for name in names:
        try:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        except (FileExistsError, NotADirectoryError, IsADirectoryError):
            continue
    pattern = "/".join(parts)
    # pathlib lets a final ** stand for folders only, and matches hidden ones.
    wanted = {
        path
        for path in root.glob(f"{pattern}/*" if parts[-1] == "**" else pattern)
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    }
    parts += ["*"] * (parts[-1] == "**")
    found = sources.Tree(str(root), "", tuple(parts), only_photos=False).paths()
    assert list(found) == [str(path.relative_to(root)) for path in sorted(wanted)]


def test_a_pattern_gives_what_fits_whatever_its_ending(put):
    put("p/1/a.jpg", "p/2/a.jpg", "p/2/b.txt", "p/2/.c.jpg", "q[1]/a.jpg")
    assert listed("p/*/a.jpg") == ["p/1/a.jpg", "p/2/a.jpg"]
    assert listed("p/2/*") == ["p/2/a.jpg", "p/2/b.txt"]
    assert listed("p/2/**") == ["p/2/a.jpg", "p/2/b.txt"]
    assert listed("p/2/.*") == ["p/2/.c.jpg"]
    assert listed("**/*.jpg") == ["p/1/a.jpg", "p/2/a.jpg", "q[1]/a.jpg"]
    assert listed("q[1]") == ["q[1]/a.jpg"]  # a folder that is there
    assert listed("p/*/none*") == []
    assert listed("p/*/a.jpg/**") == []


@pytest.mark.usefixtures("put")
def test_a_folder_that_cannot_be_listed_ends_it_in_words():
    with pytest.raises(InputUnusable, match="no folder, no pattern"):
        listed("nowhere")
    with pytest.raises(InputUnusable, match="has no columns"):
        listed("/", "path")
    with pytest.raises(InputUnusable, match="nowhere cannot be listed: it is not there"):
        listed("nowhere/*.jpg")


def test_folders_in_folders_without_end(tmp_path, monkeypatch):
    """More of them than Python calls functions in functions."""
    monkeypatch.chdir(tmp_path)
    depth = 1050
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    Path("a.jpg").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    try:
        assert listed("d") == ["d/" * depth + "a.jpg"]
    finally:
        subprocess.run(["rm", "-r", "d"], check=True)  # Python's own way gives up here.


def test_a_column_of_a_table(put):
    put("t/list.csv", payload='id,path\n1,a b.jpg\n2,"x,\ny.jpg"\n3,\n4,/abs/ü.jpg\n'.encode())
    wanted = ["a b.jpg", "x,\ny.jpg", "", "/abs/ü.jpg"]
    assert listed("t/list.csv") == wanted
    assert listed("t/list.csv", "id") == ["1", "2", "3", "4"]
    put("t/one.csv", payload=b'path\na.jpg\n\n""\nb.jpg\n\n')
    assert listed("t/one.csv") == ["a.jpg", "", "b.jpg"]
    for kind in (pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())):
        values = pa.array([*wanted[:2], None, wanted[3]], pa.string()).cast(kind)
        parquet.write_table(pa.table({"n": [1, 2, 3, 4], "path": values}), "t/list.parquet", row_group_size=2)
        assert listed("t/list.parquet") == wanted
        assert sources.find("t/list.parquet").count() == sources.find("t/list.csv").count() == 4


def test_a_table_may_be_called_as_a_pattern_is(put):
    put("p/list [1].csv", payload=b"path\na.jpg\n")
    put("p/list 1.csv")
    assert listed("p/list [1].csv") == ["a.jpg"]
    assert listed("p/list [12].csv") == ["p/list 1.csv"]


def test_paths_of_a_table_begin_at_its_folder(put, tmp_path, monkeypatch):
    put("t/in/a.jpg", payload=photo(1))
    put("t/list.csv", payload=f"path\nin/a.jpg\n{tmp_path}/t/in/a.jpg\nfile://{tmp_path}/t/in/%61.jpg\n\n".encode())
    source = pickle.loads(pickle.dumps(sources.find("t/list.csv")))
    monkeypatch.chdir("/")
    assert [source.item(path).read() for path in source.paths()] == [photo(1)] * 3


@pytest.mark.parametrize(
    ("name", "payload", "column", "words"),
    [
        ("t.csv", b"a,b\n1,2\n", None, "has not one column path, but: a, b. Name one with --column"),
        ("t.csv", b"path,path\n1,2\n", None, "has not one column path"),
        ("t.csv", b"", None, "cannot be read: Empty CSV"),
        ("t.csv", b"path\n\xff\xfe\n", None, "cannot be read"),
        ("t.csv", b"path,n\na.jpg,1\nb.jpg\n", None, "cannot be read"),
        ("t.parquet", b"nonsense", None, "cannot be read"),
    ],
)
def test_a_table_that_cannot_be_used_says_so(put, name, payload, column, words):
    put(name, payload=payload)
    with pytest.raises(InputUnusable, match=words):
        listed(name, column)


@pytest.mark.usefixtures("put")
def test_a_column_of_numbers_is_refused():
    parquet.write_table(pa.table({"path": [1, 2]}), "t.parquet")
    with pytest.raises(InputUnusable, match="holds int64, not paths"):
        listed("t.parquet")


@pytest.mark.usefixtures("put")
def test_a_missing_table_says_so():
    with pytest.raises(InputUnusable, match=r"none\.csv cannot be read: it is not there"):
        listed("none.csv")


@pytest.mark.usefixtures("put")
def test_of_a_long_table_little_is_in_memory():
    Path("long.csv").write_text("path\n" + "".join(f"photos/{number:09}.jpg\n" for number in range(300_000)))
    before = pa.total_allocated_bytes()
    tracemalloc.start()
    try:
        count = sum(1 for _ in sources.find("long.csv").paths())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 300_000
    assert most < 12_000_000
    assert pa.total_allocated_bytes() - before < 1_000_000


@pytest.fixture
def bucket(tmp_path, monkeypatch):
    """What an object store would be to Arrow; the network is not."""
    root = tmp_path / "store"
    (root / "bucket" / "in dir").mkdir(parents=True)

    def opened(uri: str):
        scheme, _, name = uri.partition("://")
        if scheme != "s3":
            raise pa.ArrowInvalid(f"Unrecognized filesystem type in URI: {uri}")
        return fs.SubTreeFileSystem(str(root), fs.LocalFileSystem()), name

    monkeypatch.setattr(locations, "_opened", opened)
    return root / "bucket"


def test_photos_in_an_object_store(bucket):
    (bucket / "in dir" / "a ?.jpg").write_bytes(photo(1))
    (bucket / "b.jpg.gz").write_bytes(b"not unpacked")
    (bucket / "list.csv").write_text("path\nin dir/a ?.jpg\ns3://bucket/b.jpg.gz\nnone.jpg\nhttps://x/y.jpg\n")
    table = sources.find("s3://bucket/list.csv")
    found = []
    for path in table.paths():
        try:
            found.append(table.item(path).read())
        except FileUnreadable as error:
            found.append(str(error))
    assert found[:3] == [photo(1), b"not unpacked", "There is no such file."]
    assert "Unrecognized filesystem" in found[3]
    assert listed("s3://bucket") == listed("s3://bucket/") == ["s3://bucket/in dir/a ?.jpg"]
    assert listed("s3://bucket/*/*.jpg") == ["s3://bucket/in dir/a ?.jpg"]
    with pytest.raises(InputUnusable, match="cannot be listed"):
        listed("s3://bucket/none/")


def test_a_large_object_is_not_read_to_its_end(bucket, use_setting):
    use_setting("MAX_IMAGE_BYTES", 1000)
    (bucket / "a.jpg").write_bytes(bytes(1_000_000))
    with pytest.raises(ImageTooLarge):
        sources.find("s3://bucket/").item("s3://bucket/a.jpg").read()


@pytest.mark.parametrize("path", ["", "a\0b.jpg", "x" * 5000, "/dev/zero", "/etc", "file://", "s3:", "://"])
def test_what_is_no_file_costs_its_row_only(path):
    with pytest.raises(FileUnreadable):
        sources.Tree("/", "", sources.BELOW, only_photos=True).item(path).read()


def test_the_beginning_is_there_before_the_end(put, monkeypatch):
    put(*(f"p/{folder:03}/a.jpg" for folder in range(50)))
    seen = []
    entries = locations.entries
    monkeypatch.setattr(locations, "entries", lambda folder: seen.append(folder) or entries(folder))
    assert len(list(itertools.islice(sources.find("p").paths(), 3))) == 3
    assert len(seen) < 6
