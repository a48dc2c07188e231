"""Models as zips: what was packed comes in again, and nothing else does."""

import base64
import hashlib
import io
import json
import pickle
import random
import stat
import zipfile

import pytest

from har_core import bundle as bundles
from har_core import golden, promotion, serving, transfer
from har_core.bundle import Bundle
from har_core.config import settings
from har_core.errors import BundleBroken, ImportRefused
from tests.bundles import spoil, variant

FILES = (bundles.INFO, bundles.TFLITE, bundles.KERAS, bundles.GOLDEN, bundles.CARD)


@pytest.fixture
def elsewhere(tiny_bundle, tmp_path, use_setting) -> Bundle:
    """A bundle that is not among those here."""
    use_setting("SHIPPED_MODELS", tmp_path / "none")
    return variant(tiny_bundle, tmp_path / "elsewhere", version=7)


@pytest.fixture
def contents(elsewhere) -> dict[str, bytes]:
    """The files of a zip, to be changed; ``bundle.json`` gets the right digests again when it is taken in."""
    return {name: (elsewhere.folder / name).read_bytes() for name in FILES}


def models() -> list[str]:
    """What lies in the folder of the models, hidden things, too."""
    folder = settings().home / "models"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def take_in(path) -> Bundle:
    """Imports, and sees to it that a refusal leaves nothing behind."""
    before = models()
    try:
        return transfer.unpack_zip(path)
    except ImportRefused:
        assert models() == before
        raise


def zipped(path, contents, folder="tiny@7", digests=True):
    """Writes a zip by hand, as somebody does who wants it to look whole."""
    if digests and bundles.INFO in contents:
        info = json.loads(contents[bundles.INFO])
        info["sha256"] = {
            name: hashlib.sha256(content).hexdigest() for name, content in contents.items() if name != bundles.INFO
        }
        contents = {**contents, bundles.INFO: json.dumps(info).encode()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in contents.items():
            file.writestr(f"{folder}/{name}", content)
    return path


def keras_file(**changes: bytes | None) -> bytes:
    """A ``.keras`` file with other entries."""
    entries = {
        "metadata.json": b"{}",
        "config.json": json.dumps({"module": "keras.layers", "class_name": "Dense", "config": {}}).encode(),
        "model.weights.h5": b"\x89HDF\r\n\x1a\n",
    }
    entries |= {name.replace("__", "."): content for name, content in changes.items()}
    return zip_of({name: content for name, content in entries.items() if content is not None})


def zip_of(entries: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return buffer.getvalue()


def config(**layer) -> bytes:
    """A network with that layer somewhere inside."""
    return json.dumps({"module": "keras", "class_name": "Sequential", "config": {"layers": [[{"x": layer}]]}}).encode()


class Dangerous:
    def __reduce__(self):
        return (print, ("unpickled",))


def test_what_was_packed_comes_in_as_it_was(elsewhere, tmp_path):
    transfer.pack(elsewhere, tmp_path / "model.zip")
    found = take_in(tmp_path / "model.zip")
    assert found.folder == settings().home / "models" / "tiny@7"
    assert found.digest == elsewhere.digest
    found.verify_files()
    assert models() == ["tiny@7"]
    assert stat.S_IMODE(found.folder.stat().st_mode) == 0o755
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_models_that_ship_come_in_again(tmp_path, use_setting):
    bundle = serving.find("everyday")
    transfer.pack(bundle, tmp_path / "model.zip")
    use_setting("SHIPPED_MODELS", tmp_path / "none")
    assert take_in(tmp_path / "model.zip").digest == bundle.digest


@pytest.mark.usefixtures("made")
def test_what_comes_in_is_not_in_service_whatever_its_version(contents, tmp_path, use_setting):
    use_setting("SHIPPED_MODELS", tmp_path / "shipped")
    contents[bundles.CARD] = b"# another\n"
    assert take_in(zipped(tmp_path / "model.zip", contents)).reference == "tiny@7"
    assert serving.in_service() == "tiny@1"
    assert serving.find("tiny").reference == "tiny@1"


def test_a_taken_version_becomes_the_next_free_one(elsewhere, tmp_path):
    transfer.pack(elsewhere, tmp_path / "model.zip")
    other = zipped(
        tmp_path / "other.zip",
        {**{name: (elsewhere.folder / name).read_bytes() for name in FILES}, bundles.CARD: b"# another\n"},
    )
    assert take_in(tmp_path / "model.zip").reference == "tiny@7"
    found = take_in(other)
    assert (found.reference, found.folder.name) == ("tiny@8", "tiny@8")
    found.verify_files()
    assert serving.find("tiny@8").digest == found.digest
    (settings().home / "models" / "tiny@9").mkdir()
    (settings().home / "models" / "tiny@9" / "half").touch()
    third = {name: (elsewhere.folder / name).read_bytes() for name in FILES} | {bundles.CARD: b"# a third\n"}
    assert take_in(zipped(tmp_path / "third.zip", third)).reference == "tiny@10", "somebody is copying 9"


def test_the_same_model_does_not_come_in_twice(elsewhere, tmp_path):
    transfer.pack(elsewhere, tmp_path / "model.zip")
    take_in(tmp_path / "model.zip")
    with pytest.raises(ImportRefused, match="here already: tiny@7"):
        take_in(tmp_path / "model.zip")


def test_a_changed_bundle_is_not_packed(elsewhere, tmp_path):
    spoil(elsewhere, bundles.KERAS)
    with pytest.raises(BundleBroken, match=r"model\.keras"):
        transfer.pack(elsewhere, tmp_path / "model.zip")
    assert not (tmp_path / "model.zip").exists()


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_byte_in_any_file_is_caught(contents, tmp_path, name):
    path = zipped(tmp_path / "model.zip", contents, digests=False)
    changed = bytearray(contents[name])
    changed[len(changed) // 2] ^= 1
    with zipfile.ZipFile(path, "w") as file:
        for each, content in contents.items():
            file.writestr(f"tiny@7/{each}", bytes(changed) if each == name else content)
    if name == bundles.INFO:  # No digest of it is anywhere, but the zip's own checksum is.
        stored = path.read_bytes().replace(bytes(changed), contents[name])
        path.write_bytes(stored)
    with pytest.raises(ImportRefused):
        take_in(path)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_caught(contents, tmp_path, name):
    del contents[name]
    with pytest.raises(ImportRefused):
        take_in(zipped(tmp_path / "model.zip", contents, digests=False))


@pytest.mark.parametrize(
    "name", ["run.py", "model.pkl", "sub/model.tflite", "../../evil.txt", "model.tflite\\", "BUNDLE.JSON"]
)
def test_a_file_too_many_is_caught(contents, tmp_path, name):
    with pytest.raises(ImportRefused, match=r"has no place|one folder"):
        take_in(zipped(tmp_path / "model.zip", contents | {name: b"x"}, digests=False))
    assert not list(tmp_path.rglob("evil.txt"))


@pytest.mark.parametrize(
    "folder", ["tiny@8", "other@7", "tiny", "Tiny@7", "tiny@07", ".", "..", "/tmp/tiny@7", "a/tiny@7"]
)
def test_another_folder_is_caught(contents, tmp_path, folder):
    with pytest.raises(ImportRefused):
        take_in(zipped(tmp_path / "model.zip", contents, folder))


def test_something_beside_the_folder_is_caught(contents, tmp_path):
    path = zipped(tmp_path / "model.zip", contents)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("__MACOSX/x", b"x")
    with pytest.raises(ImportRefused, match="one folder"):
        take_in(path)


def test_a_file_that_comes_twice_is_caught(contents, tmp_path):
    path = zipped(tmp_path / "model.zip", contents)
    with zipfile.ZipFile(path, "a") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("tiny@7/card.md", b"another")
    with pytest.raises(ImportRefused, match="no place"):
        take_in(path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_a_link_is_caught(contents, tmp_path, kind):
    path = zipped(tmp_path / "model.zip", {name: content for name, content in contents.items() if name != bundles.CARD})
    entry = zipfile.ZipInfo("tiny@7/card.md")
    entry.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(path, "a") as file:
        file.writestr(entry, "/etc/passwd")
    with pytest.raises(ImportRefused, match="link"):
        take_in(path)


def test_a_bomb_is_not_unpacked(contents, tmp_path):
    contents[bundles.CARD] = bytes(6_000_000)
    path = zipped(tmp_path / "model.zip", contents)
    assert path.stat().st_size < 200_000
    with pytest.raises(ImportRefused, match="6 MB, more than"):
        take_in(path)


def test_a_bomb_that_lies_about_its_size_is_not_unpacked(contents, tmp_path):
    contents[bundles.CARD] = bytes(6_000_000)
    path = zipped(tmp_path / "model.zip", contents)
    size = (6_000_000).to_bytes(4, "little")
    assert path.read_bytes().count(size) >= 2
    path.write_bytes(path.read_bytes().replace(size, (100).to_bytes(4, "little")))
    with pytest.raises(ImportRefused):
        take_in(path)


def test_a_bomb_in_the_keras_file_is_caught(contents, tmp_path, monkeypatch):
    monkeypatch.setitem(transfer._KERAS_FILES, "model.weights.h5", 1_000_000)
    contents[bundles.KERAS] = keras_file(model__weights__h5=b"\x89HDF\r\n\x1a\n" + bytes(2_000_000))
    with pytest.raises(ImportRefused, match=r"model\.keras.* 2 MB"):
        take_in(zipped(tmp_path / "model.zip", contents))


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_compressions_are_refused(contents, tmp_path, compression):
    with zipfile.ZipFile(tmp_path / "model.zip", "w", compression) as file:
        for name, content in contents.items():
            file.writestr(f"tiny@7/{name}", content)
    with pytest.raises(ImportRefused, match="compressed"):
        take_in(tmp_path / "model.zip")


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"extra": 1},
        {"labels": ["one"]},
        {"input_size": 0},
        {"input_size": 10**9},
        {"temperature": 0},
        {"version": -1},
        {"version": 10**30},
        {"name": "../tiny"},
        {"labels": None},
        {"labels": ["red", "green", "\x1b[2J"]},
        {"recipe": {"a": [{"\x07": 1}]}},
    ],
)
def test_a_description_of_another_kind_is_refused(contents, tmp_path, changes):
    contents[bundles.INFO] = json.dumps({**json.loads(contents[bundles.INFO]), **changes}).encode()
    with pytest.raises(ImportRefused):
        take_in(zipped(tmp_path / "model.zip", contents))


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000])
def test_a_description_that_is_none_is_refused(contents, tmp_path, text):
    contents[bundles.INFO] = text
    with pytest.raises(ImportRefused):
        take_in(zipped(tmp_path / "model.zip", contents, digests=False))


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "run.py"])
def test_a_description_that_names_other_files_is_refused(contents, tmp_path, name):
    info = json.loads(contents[bundles.INFO])
    info["sha256"][name] = "0" * 64
    contents[bundles.INFO] = json.dumps(info).encode()
    with pytest.raises(ImportRefused):
        take_in(zipped(tmp_path / "model.zip", contents, digests=False))


LAMBDA = {"class_name": "__lambda__", "config": {"value": base64.b64encode(b"code").decode()}}


@pytest.mark.parametrize(
    "layer",
    [
        {"module": "keras.layers", "class_name": "Lambda", "config": {"function": LAMBDA}},
        {"module": "keras.layers", "class_name": "Dense", "config": {"activation": LAMBDA}},
        {"class_name": "Lambda", "config": {}},
        {"module": "keras.layers", "class_name": "TorchModuleWrapper", "config": {}},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/x"}},
        {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
        {"module": "keras.layers", "class_name": "Dense", "registered_name": "Mine>Dense", "config": {}},
        {"module": "builtins", "class_name": "function", "config": "eval", "registered_name": "function"},
        {"module": "os", "class_name": "system", "config": "id"},
        {"module": "keras.utils", "class_name": "get_file", "config": {}},
        {"module": "keras_hub.src.tokenizers", "class_name": "BytePairTokenizer", "config": {}},
        {"module": ["keras.layers"], "class_name": "Dense"},
        {"module": "keras.layers", "class_name": ["Dense"]},
        {"module": "keras.layers", "class_name": "Dense\n"},
        {"class_name": "__typespec__", "module": "os", "spec_name": "x"},
    ],
)
def test_a_network_that_holds_code_is_refused(contents, tmp_path, layer):
    contents[bundles.KERAS] = keras_file(config__json=config(**layer))
    with pytest.raises(ImportRefused, match="may hold code"):
        take_in(zipped(tmp_path / "model.zip", contents))


@pytest.mark.parametrize(
    "content",
    [
        pickle.dumps(Dangerous()),
        keras_file(model__weights__h5=pickle.dumps(Dangerous())),
        zip_of(
            {"metadata.json": b"{}", "config.json": config(), "model.weights.h5": b"\x89HDF\r\n\x1a\n", "x.pkl": b""}
        ),
        keras_file(model__weights__h5=None),
        keras_file(config__json=None),
        keras_file(config__json=b"{"),
        keras_file(config__json=b"[" * 1_000_000),
        keras_file(config__json=b"\xff"),
        b"",
        b"\x89HDF\r\n\x1a\n",
    ],
)
def test_a_keras_file_with_pickles_or_anything_else_is_refused(contents, tmp_path, content, capfd):
    contents[bundles.KERAS] = content
    with pytest.raises(ImportRefused, match=r"model\.keras"):
        take_in(zipped(tmp_path / "model.zip", contents))
    assert "unpickled" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (bundles.CARD, b"\xff\xfe"),
        (bundles.CARD, b"# tiny\x1b[2J"),
        (bundles.CALIBRATION, b"<svg><script>alert(1)</script></svg>"),
        (bundles.CALIBRATION, b"<svg onload = 'alert(1)'/>"),
        (bundles.TRAINED_ON, b"id,name\n1,2\n"),
        (bundles.TFLITE, b"TFL3" + bytes(1000)),
        (bundles.TFLITE, b""),
        (bundles.GOLDEN, b"{}"),
        (bundles.GOLDEN, b"[" * 100_000),
    ],
)
def test_files_that_are_not_what_they_are_named_for_are_refused(contents, tmp_path, name, content):
    contents[name] = content
    with pytest.raises(ImportRefused):
        take_in(zipped(tmp_path / "model.zip", contents))


def test_a_network_that_breaks_the_runtime_breaks_no_process_but_its_own(contents, tmp_path):
    rng = random.Random(0)
    whole = contents[bundles.TFLITE]
    for attempt in range(4):
        broken = bytearray(whole)
        for _ in range(200):
            broken[rng.randrange(8, len(broken))] = rng.randrange(256)
        contents[bundles.TFLITE] = bytes(broken)
        with pytest.raises(ImportRefused):
            take_in(zipped(tmp_path / f"{attempt}.zip", contents))


def test_a_network_that_never_answers_is_given_up(elsewhere, tmp_path, monkeypatch):
    transfer.pack(elsewhere, tmp_path / "model.zip")
    monkeypatch.setattr(golden, "_SECONDS", 0.01)
    with pytest.raises(ImportRefused, match="does not answer"):
        take_in(tmp_path / "model.zip")


def test_no_zip_however_broken_gets_in_or_goes_unsaid(contents, tmp_path, monkeypatch):
    """Bytes changed at random, and zips cut off."""
    monkeypatch.setattr(golden, "verify_apart", lambda _: None)
    path = zipped(tmp_path / "model.zip", contents)
    whole, rng = path.read_bytes(), random.Random(1)
    for attempt in range(150):
        broken = bytearray(whole[: rng.randrange(len(whole))] if attempt % 3 == 0 else whole)
        for _ in range(rng.randrange(1, 20)):
            # Most of it is weights: the names and sizes that lead to them are at the end.
            place = rng.randrange(max(0, len(broken) - 600), len(broken)) if attempt % 2 else rng.randrange(len(broken))
            broken[place] = rng.randrange(256)
        if bytes(broken) == whole:
            continue
        path.write_bytes(broken)
        try:
            found = take_in(path)
        except ImportRefused:
            continue
        # A byte that means nothing, such as one of a date.
        found.verify_files()
        for file in found.folder.iterdir():
            file.unlink()
        found.folder.rmdir()


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_zip_is_said(tmp_path, content):
    (tmp_path / "model.zip").write_bytes(content)
    with pytest.raises(ImportRefused):
        take_in(tmp_path / "model.zip")


def test_a_zip_that_is_not_there_is_said(tmp_path):
    with pytest.raises(ImportRefused, match="No such file"):
        take_in(tmp_path / "model.zip")
    with pytest.raises(ImportRefused):
        take_in(tmp_path)


def test_a_zip_with_a_password_is_said(contents, tmp_path):
    path = zipped(tmp_path / "model.zip", contents)
    content = bytearray(path.read_bytes())
    place = content.index(b"PK\x01\x02")
    while place >= 0:
        content[place + 8] |= 1
        place = content.find(b"PK\x01\x02", place + 4)
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match="that can be unpacked"):
        take_in(path)


@pytest.mark.usefixtures("made")
def test_a_half_copied_bundle_is_nobodys_model(elsewhere, use_setting, tmp_path):
    use_setting("SHIPPED_MODELS", tmp_path / "shipped")
    half = settings().home / "models" / "tiny@3"
    half.mkdir(parents=True)
    (half / bundles.TFLITE).write_bytes((elsewhere.folder / bundles.TFLITE).read_bytes())
    assert "tiny@3" not in [folder.name for folder in serving.folders()]
    (half / bundles.INFO).write_text(
        (elsewhere.folder / bundles.INFO).read_text().replace('"version": 7', '"version": 3')
    )
    with pytest.raises(BundleBroken, match="lacks its file"):
        promotion.promote("tiny@3", "ada", override="I insist")
    assert serving.in_service() == "tiny@1"
