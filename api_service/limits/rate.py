"""How often somebody may ask: ``100/minute``."""

import re
from typing import NamedTuple, Self

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_FORM = re.compile(rf"([1-9]\d{{0,8}})/({'|'.join(_SECONDS)})")


class Rate(NamedTuple):
    """So many requests in so many seconds."""

    requests: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Reads ``N/second``, ``N/minute``, ``N/hour`` or ``N/day``.

        Raises:
            ValueError: The text is nothing of the kind.
        """
        form = _FORM.fullmatch(text)
        if not form:
            raise ValueError(f"it is N/second, N/minute, N/hour or N/day, and not “{text[:50]}”")
        return cls(int(form[1]), _SECONDS[form[2]])


def checked(text: str) -> str:
    """Gives a text back that is a rate.

    Raises:
        ValueError: It is none.
    """
    Rate.parse(text)
    return text
