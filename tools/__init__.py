"""Tools that build what the project ships."""
