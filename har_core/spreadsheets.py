"""Tables that spreadsheet programs open."""

# A cell that begins like this would be run as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def safe_cell(cell: object) -> object:
    """A cell as no spreadsheet program would run it."""
    return f"'{cell}" if str(cell).startswith(_FORMULA) else cell
