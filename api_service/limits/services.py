"""The generic cell rate algorithm, in one statement of the database: exact, whoever else asks at the same time.

ITU-T I.371, annex A; for APIs: https://brandur.org/rate-limiting. All that is kept of somebody is one time. Each
request moves it on by one interval, from now at the earliest; one that would move it further ahead than the rate's
whole time is refused. So up to N requests may come at once, and as many as the rate says over time, without windows at
whose edges twice as many pass.
"""

import math
import random
import time

from django.db import connection

from api_service.limits.models import Limit
from api_service.limits.rate import Rate

_CLEAN_EVERY = 1000
# Both SQLite and PostgreSQL lock the row, or the database, before they look at the times in it. Who has waited for the
# lock comes with a time that has passed; the latest that anybody came with is what counts as now.
_TAKE = """
    INSERT INTO limits_limit AS kept (who, asked, arrival) VALUES (%(who)s, %(now)s, %(now)s + %(interval)s)
    ON CONFLICT (who) DO UPDATE SET
        asked = CASE WHEN kept.asked > %(now)s THEN kept.asked ELSE %(now)s END,
        arrival = %(interval)s + CASE WHEN kept.arrival > %(now)s THEN kept.arrival ELSE %(now)s END
    WHERE kept.arrival <= %(slack)s + CASE WHEN kept.asked > %(now)s THEN kept.asked ELSE %(now)s END
    RETURNING arrival
"""


def take(who: str, rate: Rate) -> int:
    """Counts a request; one that is refused does not count.

    Args:
        who: Whose it is.
        rate: How many are allowed.

    Returns:
        0 where it is allowed; else whole seconds until one is.
    """
    now, interval = time.time_ns() // 1000, math.ceil(rate.seconds * 1_000_000 / rate.requests)
    slack = interval * (rate.requests - 1)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, {"who": who, "now": now, "interval": interval, "slack": slack})
        if not cursor.fetchall():
            cursor.execute("SELECT arrival FROM limits_limit WHERE who = %s", [who])
            (arrival,) = cursor.fetchone() or (now,)
            return max(1, math.ceil((arrival - slack - now) / 1_000_000))
    if random.randrange(_CLEAN_EVERY) == 0:
        Limit.objects.filter(arrival__lt=now).delete()
    return 0
