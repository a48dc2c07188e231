"""A PostgreSQL of the tests' own, from Debian's package: in a folder of its own, reached by a socket in it alone."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

_OWNER = "postgres"


def programs() -> Path | None:
    """The folder with PostgreSQL's programs, of the newest version; None where there are none."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)


@contextmanager
def server(bin_: Path) -> Iterator[Callable[[str], str]]:
    """Runs a server until the block ends; gives what makes a database and tells its address."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    data = folder / "data"
    as_owner = []
    if os.geteuid() == 0:  # Which PostgreSQL refuses to be run by.
        shutil.chown(folder, _OWNER)
        as_owner = ["runuser", "-u", _OWNER, "--"]

    def run(program: str, *words: str) -> None:
        subprocess.run([*as_owner, bin_ / program, *words], check=True, cwd=folder, stdout=subprocess.DEVNULL)

    def create(name: str) -> str:
        run("createdb", "-h", str(folder), "-U", _OWNER, name)
        return f"postgres://{_OWNER}@{quote(str(folder), safe='')}/{name}"

    try:
        run("initdb", "-D", str(data), "-U", _OWNER, "-A", "trust", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        run("pg_ctl", "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
        try:
            yield create
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)
