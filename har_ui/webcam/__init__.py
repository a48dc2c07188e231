"""The page Webcam: a camera's picture, classified while it runs."""
