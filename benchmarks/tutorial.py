"""``python -m benchmarks.tutorial FOLDER EPOCHS``: what people write after the tutorial, as a yardstick.

Follows keras.io's "Image classification via fine-tuning with EfficientNet": ``image_dataset_from_directory``,
augmentation layers, a new head on the frozen network for half of the epochs, then its top 20 layers with it. ``FOLDER``
holds ``train``, ``val`` and ``test`` with one folder a label. Prints seconds and test accuracy as JSON.
"""

import json
import sys
import time
from pathlib import Path

import keras
from keras import layers

from training.backbones import efficientnet_lite


def main(folder: Path, epochs: int) -> None:
    """Trains and prints the result."""
    keras.utils.set_random_seed(0)
    started = time.monotonic()
    train, val, test = (
        keras.utils.image_dataset_from_directory(
            folder / name, image_size=(224, 224), batch_size=16, label_mode="categorical", verbose=False
        )
        for name in ("train", "val", "test")
    )
    labels = len(train.class_names)
    backbone = efficientnet_lite.pretrained("efficientnet_lite0")
    backbone.trainable = False
    inputs = keras.Input((224, 224, 3))
    x = layers.RandomFlip("horizontal")(inputs)
    x = layers.RandomRotation(0.15)(x)
    x = layers.RandomTranslation(0.1, 0.1)(x)
    x = layers.RandomContrast(0.1)(x)
    x = layers.GlobalAveragePooling2D()(backbone(x, training=False))
    x = layers.Dropout(0.2)(layers.BatchNormalization()(x))
    model = keras.Model(inputs, layers.Dense(labels, activation="softmax")(x))
    _fit(model, train, val, 1e-2, epochs // 2)
    for layer in backbone.layers[-20:]:
        layer.trainable = not isinstance(layer, layers.BatchNormalization)
    _fit(model, train, val, 1e-5, epochs - epochs // 2)
    seconds = time.monotonic() - started
    _, accuracy = model.evaluate(test, verbose=0)
    print(json.dumps({"seconds": seconds, "accuracy": accuracy}))


def _fit(model: keras.Model, train: object, val: object, rate: float, epochs: int) -> None:
    model.compile(keras.optimizers.Adam(rate), "categorical_crossentropy", metrics=["accuracy"])
    model.fit(train, validation_data=val, epochs=epochs, verbose=2)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
