"""Where photos and their labels come from: each module lists candidates, which ``ingest`` then verifies."""
