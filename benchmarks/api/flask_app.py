"""What one writes first: Flask, and Keras's ``model.predict``. MODEL_KERAS names the model's file."""

import os

import numpy as np
import tensorflow as tf
from flask import Flask, request
from flask.typing import ResponseReturnValue
from PIL import Image

app = Flask(__name__)
model = tf.keras.models.load_model(os.environ["MODEL_KERAS"])
size = model.input_shape[1:3]


@app.get("/health")
def health() -> ResponseReturnValue:
    """Whether it is up."""
    return {"status": "ok"}


@app.post("/predict")
def predict() -> ResponseReturnValue:
    """The best label of a photo."""
    image = Image.open(request.files["image"].stream).convert("RGB").resize(size)
    scores = model.predict(np.asarray(image, np.float32)[None], verbose=0)[0]
    return {"label": int(scores.argmax()), "score": float(scores.max())}
