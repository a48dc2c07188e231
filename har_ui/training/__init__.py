"""The app's *Training* page, section by section."""
