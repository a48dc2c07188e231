"""Errors that only those meet who ask over HTTP."""

from har_core.errors import HarError


class UnknownModel(HarError):
    """No model here goes by that name and version."""

    code = "unknown_model"


class PromotionBusy(HarError):
    """Another model is being examined."""

    code = "promotion_busy"


class PromotionUnfinished(HarError):
    """Examining a model takes longer than an answer may; asked again, it goes on from there."""

    code = "promotion_unfinished"


class DatabaseUnreachable(HarError):
    """The database does not answer."""

    code = "database_unreachable"


class DatabaseNotMigrated(HarError):
    """The database lacks tables or columns of this version."""

    code = "database_not_migrated"
