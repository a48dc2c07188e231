"""Zips from anyone: read in place, with an answer to every trick."""

import io
import resource
import struct
import subprocess
import sys
import zipfile
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from har_core.batch.archive import Archive, check
from har_core.batch.scoring import rows
from har_core.config import PROJECT_ROOT
from har_core.errors import ArchiveError, HarError, ImageTooLarge
from tests.core.batch.photos import photo, zipped

A, B = photo(1), photo(2)


@pytest.fixture
def write(tmp_path):
    def give(entries):
        zipped(entries, tmp_path / "photos.zip")
        return tmp_path / "photos.zip"

    return give


def found(path, every=False) -> dict[str, str]:
    """What comes of each entry: its bytes' hash, or the error's code."""
    outcome = {}
    with closing(Archive(path, every)) as archive:
        for item in archive.items():
            try:
                outcome[item.path] = {A: "a", B: "b"}.get(item.read(), "other")
            except HarError as error:
                outcome[item.path] = error.code
    return outcome


def examine(path, every=False, most_photos=100, most_bytes=1_000_000):
    return check(path, every, most_photos, most_bytes)


def entry(name: str, **attributes) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.compress_type = zipfile.ZIP_DEFLATED
    for attribute, value in attributes.items():
        setattr(made, attribute, value)
    return made


def test_photos_come_in_their_order_and_other_files_are_passed_over(write):
    path = write(
        [
            ("z.png", A),
            ("folder/", b""),
            ("folder/a.PNG", B),
            ("readme.txt", b"hello"),
            ("inner.zip", zipped([("c.png", A)])),
            ("__MACOSX/._z.png", b"x"),
            ("folder/.hidden.png", A),
        ]
    )
    assert list(found(path).items()) == [("z.png", "a"), ("folder/a.PNG", "b")]
    assert examine(path) == (2, 4)


def test_every_entry_counts_where_that_is_said(write):
    path = write([("upload", A), (".hidden", B), ("notes.txt", A)])
    assert found(path, every=True) == {"upload": "a", ".hidden": "b", "notes.txt": "a"}
    assert examine(path, every=True) == (3, 0)


def test_two_of_one_name_are_two_photos(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        zipped([("a.png", A), ("a.png", B)], tmp_path / "twice.zip")
    with closing(Archive(tmp_path / "twice.zip")) as archive:
        assert [(item.path, item.read()) for item in archive.items()] == [("a.png", A), ("a.png", B)]


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("/etc/a.png", "unsafe_path"),
        ("../a.png", "unsafe_path"),
        ("a/../../b.png", "unsafe_path"),
        ("..\\a.png", "unsafe_path"),
        ("C:\\a.png", "unsafe_path"),
        (entry("link.png", external_attr=0o120777 << 16), "link"),
        (entry("pipe.png", external_attr=0o010644 << 16), "link"),
        (entry("old.png", compress_type=zipfile.ZIP_BZIP2), "unsupported_compression"),
        (entry("new.png", compress_type=zipfile.ZIP_LZMA), "unsupported_compression"),
    ],
)
def test_a_trick_costs_its_row_only(write, name, code):
    path = write([("good.png", A), (name, B)])
    assert list(found(path).values()) == ["a", code]
    assert examine(path) == (2, 0)


def test_a_zip_of_nothing_but_tricks_is_refused_by_the_first(write, use_setting):
    with pytest.raises(ArchiveError) as caught:
        examine(write([("../a.png", A), ("/b.png", A)]))
    assert caught.value.code == "unsafe_path"
    use_setting("MAX_IMAGE_BYTES", 10)
    with pytest.raises(ImageTooLarge):
        examine(write([("a.png", A)]))


def test_a_photo_over_the_limit_is_never_unpacked(write, use_setting):
    use_setting("MAX_IMAGE_BYTES", 10_000)
    assert found(write([("good.png", A), ("bomb.png", bytes(50_000_000))])) == {
        "good.png": "a",
        "bomb.png": "image_too_large",
    }


def patched(content: bytes, offset: int, layout: str, value: int) -> bytes:
    """A zip with one entry, with another value at a place in its directory."""
    place = content.index(b"PK\x01\x02") + offset
    return content[:place] + struct.pack(layout, value) + content[place + struct.calcsize(layout) :]


@pytest.mark.parametrize(
    ("offset", "layout", "value", "code"),
    [
        (8, "<H", 1, "encrypted"),
        (16, "<L", 0, "damaged_entry"),  # another checksum
        (20, "<L", 4_000_000_000, "a"),  # more compressed bytes than there are: the checksum is right
        (24, "<L", 10, "damaged_entry"),  # fewer bytes than there are
        (24, "<L", 10_000, "a"),  # more bytes than there are
        (42, "<L", 4_000_000_000, "damaged_entry"),  # an entry beyond the file's end
    ],
)
def test_a_directory_that_lies_costs_the_row(tmp_path, offset, layout, value, code):
    path = tmp_path / "lies.zip"
    path.write_bytes(patched(zipped([("a.png", A)]), offset, layout, value))
    assert found(path) == {"a.png": code}


def test_an_entry_that_unpacks_to_more_than_it_says_takes_no_memory(tmp_path):
    """In a process of its own, whose memory is bounded."""
    path = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open("a.png", "w") as entry,
    ):
        for _ in range(1100):
            entry.write(bytes(1_000_000))
    path.write_bytes(patched(path.read_bytes(), 24, "<L", 1000))
    code = f"from tests.core.batch.test_archive import found; print(found({str(path)!r}))"
    bounded = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (1_000_000_000,) * 2),
    )
    assert bounded.stdout.strip() == "{'a.png': 'damaged_entry'}", bounded.stderr


def test_names_are_read_as_utf8_wherever_they_can_be(tmp_path):
    raw = zipped([("foto-xxxx.png", A), ("foto-yyyy.png", B)])
    raw = raw.replace(b"xxxx", "ü€"[:1].encode() + b"zz").replace(b"yyyy", b"\x81zzz")
    (tmp_path / "names.zip").write_bytes(raw)
    assert list(found(tmp_path / "names.zip")) == ["foto-üzz.png", "foto-üzzz.png"]  # UTF-8, and code page 437


@pytest.mark.parametrize("content", [b"", b"hello", zipped([("a.png", A)])[:-30], b"PK\x05\x06" + bytes(17)])
def test_what_is_no_zip_is_refused_at_once(tmp_path, content):
    (tmp_path / "no.zip").write_bytes(content)
    with pytest.raises(ArchiveError) as caught:
        examine(tmp_path / "no.zip")
    assert caught.value.code == "archive_broken"


def test_a_name_that_is_not_in_its_encoding_is_refused(tmp_path):
    (tmp_path / "no.zip").write_bytes(zipped([("ü.png", A)]).replace("ü".encode(), b"\xff\xff"))
    with pytest.raises(ArchiveError, match="utf-8"):
        examine(tmp_path / "no.zip")


@pytest.mark.parametrize("entries", [[], [("a/", b"")], [("readme.txt", b"x")], [(".a.png", A)]])
def test_a_zip_without_photos_is_refused(write, entries):
    with pytest.raises(ArchiveError) as caught:
        examine(write(entries))
    assert caught.value.code == "archive_empty"


def test_a_zip_with_too_much_in_it_is_refused(write):
    for entries, limits in (
        ([(f"{i}.png", A) for i in range(4)], {"most_photos": 3}),
        ([(f"{i}.txt", b"") for i in range(3000)] + [("a.png", A)], {"most_photos": 3}),
        ([(f"{i}.png", bytes(500_000)) for i in range(3)], {"most_bytes": 100_000}),
    ):
        with pytest.raises(ArchiveError) as caught:
            examine(write(entries), **limits)
        assert caught.value.code == "archive_too_large"


def test_a_directory_of_a_gigabyte_is_not_read(tmp_path):
    """Its end says so; the file itself is mostly a hole."""
    path = tmp_path / "huge.zip"
    with path.open("wb") as file:
        file.truncate(1_000_000_000)
        file.seek(0, io.SEEK_END)
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 1_000_000_000, 0, 0))
    with pytest.raises(ArchiveError) as caught:
        examine(path)
    assert caught.value.code == "archive_too_large"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8))
def test_no_change_of_its_bytes_gives_more_than_an_error(tiny, tmp_path, changes):
    content = bytearray(zipped([("a.png", A), ("b/ü.png", B)]))
    for place, value in changes:
        content[place % len(content)] = value
    path = tmp_path / "changed.zip"
    path.write_bytes(content)
    try:
        photos, _ = examine(path)
    except HarError:
        return
    with closing(Archive(path)) as archive:
        assert len(list(rows(archive.items(), tiny))) == photos
