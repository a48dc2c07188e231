"""The app's *Evaluation* page, section by section."""
