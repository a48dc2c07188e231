"""The golden inputs of a model that may be from anyone, in a process of its own.

A network that was made to break the runtime breaks that process only. It imports little, since somebody waits for it.
"""

import subprocess  # nosec B404
import sys
from pathlib import Path

from har_core.bundle import Bundle, verify_golden
from har_core.config import PROJECT_ROOT
from har_core.errors import BundleBroken, HarError
from har_core.predictor import Predictor

_SECONDS = 120


def verify_apart(bundle: Bundle) -> None:
    """Runs the golden inputs.

    Raises:
        BundleBroken: The network does not give the golden answers, breaks off, or does not answer in time.
    """
    command = [sys.executable, "-m", "har_core.golden", str(bundle.folder.absolute())]
    try:
        done = subprocess.run(  # nosec B603
            command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=_SECONDS
        )
    except subprocess.TimeoutExpired as error:
        raise BundleBroken(f"Its network does not answer within {_SECONDS} s.") from error
    if done.returncode:
        raise BundleBroken(done.stdout.strip() or f"Its network broke off with status {done.returncode}.")


def _main(folder: Path) -> int:
    """Says what is wrong with a bundle's network, if anything, and gives the exit status."""
    try:
        bundle = Bundle(folder)
        verify_golden(bundle, Predictor(bundle, threads=1).probabilities)
    except HarError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(_main(Path(sys.argv[1])))
