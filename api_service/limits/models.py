"""Who has asked how often."""

from django.db import models


class Limit(models.Model):
    """Somebody's theoretical arrival time. All times are in microseconds since 1970.

    Attributes:
        who: A key or an address.
        asked: When they asked last.
        arrival: When the next request would come if all came evenly. What lies in the past says no more than no row.
    """

    who = models.CharField(max_length=64, primary_key=True)
    asked = models.BigIntegerField()
    arrival = models.BigIntegerField()
