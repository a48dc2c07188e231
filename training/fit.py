"""Fits the network: first the head, then the upper blocks with it."""

import keras
import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from training import inputs, network
from training.recipe import FineTune, Head

UInt8 = npt.NDArray[np.uint8]
Indices = npt.NDArray[np.integer]


def fit_head(model: keras.Model, photos: UInt8, truth: Indices, options: Head) -> None:
    """Sets the head to the logistic regression on the backbone's embeddings, in place.

    Args:
        model: As made by ``network.build``.
        photos: uint8 ``(n, S, S, 3)``.
        truth: Label indices ``(n,)``; every label occurs.
        options: How strongly to regularise.
    """
    embeddings = network.embedder(model).predict(photos, batch_size=32, verbose=0)
    regression = LogisticRegression(C=options.regularization, max_iter=500, class_weight="balanced")
    regression.fit(embeddings, truth)
    kernel, bias = regression.coef_.T, regression.intercept_
    if kernel.shape[1] == 1:  # For two labels scikit-learn gives only the second one's advantage.
        kernel, bias = np.hstack([-kernel, kernel]) / 2, np.hstack([-bias, bias]) / 2
    model.get_layer("head").set_weights([kernel, bias])


def fine_tune(
    model: keras.Model,
    train: tuple[UInt8, Indices],
    val: tuple[UInt8, Indices],
    options: FineTune,
    seed: int,
) -> dict[str, list[float]]:
    """Trains the upper layers on, in place, and keeps the weights of the epoch with the lowest validation loss.

    Args:
        model: As made by ``network.build``.
        train: Photos uint8 ``(n, S, S, 3)`` and label indices ``(n,)``.
        val: The same, for choosing the epoch.
        options: The schedule and what keeps the network from learning the photos by heart.
        seed: Of shuffling and augmentation.

    Returns:
        Keras's history: figure → one value an epoch.
    """
    _freeze(model, options.train_from)
    labels = model.output_shape[-1]
    one_hot = keras.utils.to_categorical(train[1], labels)
    steps = options.epochs * -(-len(one_hot) // options.batch_size)
    warmup = int(options.warmup * steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, steps - warmup), warmup_target=options.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(
        schedule, weight_decay=options.weight_decay, global_clipnorm=1.0, use_ema=options.ema > 0,
        ema_momentum=options.ema or 0.99,
    )  # fmt: skip
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    loss = keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=options.label_smoothing)
    model.compile(optimizer, loss, metrics=["accuracy"])
    callbacks = [keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if options.ema else []
    callbacks.append(keras.callbacks.EarlyStopping("val_loss", patience=4, restore_best_weights=True))
    history = model.fit(
        inputs.batches(train[0], one_hot, options, seed),
        validation_data=(val[0].astype(np.float32), keras.utils.to_categorical(val[1], labels)),
        epochs=options.epochs,
        callbacks=callbacks,
        verbose=2,
    )
    return dict(history.history)


def _freeze(model: keras.Model, train_from: str) -> None:
    """Leaves only what comes after the backbone's block ``train_from`` trainable, without batch normalisation."""
    backbone = network.backbone_of(model)
    names = [layer.name for layer in backbone.layers]
    first = next((i for i, name in enumerate(names) if name.startswith(f"{train_from}_")), None)
    if first is None:
        raise ValueError(f"{backbone.name} has no block {train_from}")
    for position, layer in enumerate(backbone.layers):
        layer.trainable = position >= first and not isinstance(layer, keras.layers.BatchNormalization)
