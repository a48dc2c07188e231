"""Keeps where files lie on this machine out of what is answered."""

import re

from har_core.config import settings

# A folder's path at the beginning of a word; what follows it is a file's name. The API's own addresses are no secret.
_FOLDER = re.compile(r"(?<![\w./:-])/(?!api/)(?:[^\s/:;,\"'<>()]+/)+")


def without_folders(text: str) -> str:
    """Takes the folders off the files' paths in a text."""
    # The state folder's path may have spaces.
    return _FOLDER.sub("", text.replace(f"{settings().home}/", "/home/"))
