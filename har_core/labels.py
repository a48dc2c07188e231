"""Labels as people read them."""


def words(label: str) -> str:
    """``using_laptop`` → "using laptop"."""
    return label.replace("_", " ")
