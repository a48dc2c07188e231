"""Who has asked how often."""

from django.db import models


class Limit(models.Model):
    """Somebody's theoretical arrival time.

    Attributes:
        who: A key or an address.
        arrival: When the next request would come if all came evenly, in microseconds since 1970. What lies in the past
            says no more than no row at all.
    """

    who = models.CharField(max_length=64, primary_key=True)
    arrival = models.BigIntegerField()
