"""The app's *Dataset* page, section by section."""
