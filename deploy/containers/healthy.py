"""Whether a server of this container answers: ``healthy.py URL``. The images have neither curl nor wget."""

import os
import sys
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener


def main(url: str) -> int:
    """Asks; gives the exit status."""
    # Django answers to the names alone that it is given, and a container need not be called 127.0.0.1.
    name = os.environ.get("DJANGO_ALLOWED_HOSTS", "").split(",")[0].strip().lstrip(".")
    # Variables may name a proxy for the way out; the server is in here.
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(Request(url, headers={"Host": name} if name else {}), timeout=8):
            return 0
    except (URLError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
