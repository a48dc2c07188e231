"""What workers do together: join, hear what the chief says, and make steps. All of it needs all of them.

TensorFlow's ``MultiWorkerMirroredStrategy`` carries it. Each worker has variables of its own, which stay the same as
the others' because all begin an epoch with the chief's and make the same steps; only sums go over the network.
"""

import io
import json
import logging
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from tensorflow.compiler.xla.tsl.protobuf import coordination_config_pb2
from tensorflow.python.eager import context

from har_core.datasets.store import Dataset
from har_core.errors import TeamLost
from training import network
from training.distributed.cluster import LOST, Cluster
from training.inputs import Batch, Examples, Share
from training.recipe import Recipe

log = logging.getLogger(__name__)

Arrays = Sequence[npt.NDArray[Any]]

JOIN_SECONDS = 120
# How long a worker may give no sign of life; TensorFlow's own threads give it, which long work does not hold up.
_SILENT_SECONDS = 15
# By these TensorFlow shows that another worker is gone: what a collective raises, or a server whose port is taken.
_SIGNS = (
    tf.errors.UnavailableError,
    tf.errors.DeadlineExceededError,
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.InternalError,
    tf.errors.UnknownError,
)


@dataclass(frozen=True)
class Message:
    """What the chief says to all.

    Attributes:
        kind: ``begin``: a fine-tuning begins; ``epoch``: make this epoch; ``over``: there is nothing more to do.
        facts: As JSON has them.
        arrays: Lists of arrays.
    """

    kind: Literal["begin", "epoch", "over"]
    facts: dict[str, Any] = field(default_factory=dict)
    arrays: Mapping[str, Arrays] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """For sending."""
        file = io.BytesIO()
        flat: dict[str, Any] = {
            f"{name} {at}": array for name, list_ in self.arrays.items() for at, array in enumerate(list_)
        }
        np.savez(
            file, facts=np.frombuffer(json.dumps([self.kind, self.facts, [*self.arrays]]).encode(), np.uint8), **flat
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Message":
        """What was sent."""
        with np.load(io.BytesIO(content)) as kept:
            kind, facts, names = json.loads(kept["facts"].tobytes())
            lists: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in names}
            for key in kept.files[1:]:
                lists[key.rsplit(" ", 1)[0]].append(kept[key])
        return cls(kind, facts, lists)


class Team:
    """This worker's end of what binds it to the others."""

    def __init__(self, cluster: Cluster) -> None:
        """Waits for the others. To be made before TensorFlow is used for anything else.

        Raises:
            TeamLost: One of them did not come.
        """
        self.share = Share(cluster.number, len(cluster.addresses))
        # One network a worker: a host with several GPUs gets as many workers, each shown one by CUDA_VISIBLE_DEVICES.
        tf.config.set_visible_devices(tf.config.list_physical_devices("GPU")[:1], "GPU")
        context.context().configure_coordination_service(
            service_type="standalone",
            service_leader="/job:worker/replica:0/task:0",
            cluster_register_timeout_in_ms=JOIN_SECONDS * 1000,
            heartbeat_timeout_in_ms=_SILENT_SECONDS * 1000,
            coordinated_jobs=[coordination_config_pb2.CoordinatedJob(name="worker", num_tasks=len(cluster.addresses))],
        )
        with _giving_up_after(JOIN_SECONDS), _losing():
            self._strategy = tf.distribute.MultiWorkerMirroredStrategy()
        self._sum = tf.function(
            # A copy, which lies on this worker's device: an argument lies nowhere yet.
            lambda values: self._strategy.run(lambda: _all_reduced(tf.identity(values))),
            input_signature=[tf.TensorSpec((None,), tf.int32)],
            autograph=False,
        )

    def begin(self, dataset: Dataset, recipe: Recipe, train: Examples) -> None:
        """Has the others begin a fine-tuning; for the chief, as the two that follow.

        Raises:
            TeamLost: One of them is gone.
        """
        facts = {"dataset": dataset.name, "images": dataset.info.images_fingerprint}
        arrays = {"examples": [train.rows, train.targets, train.weights]}
        self._say(Message("begin", facts | {"recipe": recipe.model_dump(mode="json")}, arrays))

    def begin_epoch(self, phase: int, number: int, weights: Arrays, optimizer: Arrays) -> None:
        """Has the others make this epoch, from this state.

        Raises:
            TeamLost: One of them is gone.
        """
        state = {"weights": weights, "optimizer": optimizer}
        self._say(Message("epoch", {"phase": phase, "number": number}, state))

    def dismiss(self) -> None:
        """Lets the others go.

        Raises:
            TeamLost: One of them is gone.
        """
        self._say(Message("over"))

    def hear(self) -> Message:
        """Waits for what the chief has to say.

        Raises:
            TeamLost: It, or another one, is gone.
        """
        return Message.from_bytes(self._broadcast(b""))

    def _say(self, message: Message) -> None:
        self._broadcast(message.to_bytes())

    def stepping(self, model: keras.Model, optimizer: keras.Optimizer) -> "Stepping":
        """Makes steps of this network; all workers have to ask for it alike."""
        return Stepping(self._strategy, self.share, model, optimizer)

    def _broadcast(self, content: bytes) -> bytes:
        # A sum to which the others add nothing; int32 is what every kind of collective can add up.
        with _losing():
            length = int(self._sum(np.array([len(content)], np.int32))[0])
            padded = np.frombuffer(content.ljust(-(-length // 4) * 4, b"\0"), np.int32)
            summed: bytes = self._sum(padded).numpy().tobytes()
            return summed[:length]


class Stepping:
    """Makes the steps of one phase, together with the others.

    A worker puts its share through its network; the sums of all gradients are those of the whole batch, and each
    applies them. Dropout is drawn for the whole batch by each worker, so that it is the same as if one made the step.
    """

    def __init__(
        self, strategy: tf.distribute.Strategy, share: Share, model: keras.Model, optimizer: keras.Optimizer
    ) -> None:
        """Compiles nothing yet."""
        self._strategy, self._model = strategy, model
        self.share, self.optimizer = share, optimizer
        self._embedder = network.embedder(model)
        self._dropout, self._head = model.get_layer("dropout"), model.get_layer("head")
        side, labels = model.input_shape[1], model.output_shape[-1]
        # Compiled once for batches of any size: were it anew for the last one, the workers might disagree about when.
        shapes = ((side, side, 3), (labels,), ())
        signature = [tf.TensorSpec((None, *shape), tf.float32) for shape in shapes]
        signature += [tf.TensorSpec((), tf.int32)] * 2
        self._step = tf.function(self._together, input_signature=signature, autograph=False)

    def __call__(self, batch: Batch, photos: int) -> dict[str, float]:
        """Makes a step.

        Args:
            batch: This worker's share.
            photos: In the whole batch.

        Returns:
            ``loss`` and ``accuracy`` of the whole batch.

        Raises:
            TeamLost: A worker is gone.
        """
        with _losing():
            loss, right = self._step(*batch, photos, self.share.of(photos)[0])
            return {"loss": float(loss), "accuracy": float(right) / photos}

    def _together(
        self, photos: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, whole: tf.Tensor, begin: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        kept = self._dropout(tf.ones((whole, self._embedder.output_shape[-1])), training=True)
        kept = kept[begin : begin + tf.shape(photos)[0]]
        summed = self._strategy.run(self._share_of_step, (photos, targets, weights, kept, tf.cast(whole, tf.float32)))
        *gradients, loss, right = summed
        self.optimizer.apply(gradients, self._model.trainable_variables)
        return loss, right

    def _share_of_step(
        self, photos: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor, kept: tf.Tensor, whole: tf.Tensor
    ) -> list[tf.Tensor]:
        with tf.GradientTape() as tape:
            embedding = self._embedder(photos, training=True)
            logits = self._head(embedding * tf.cast(kept, embedding.dtype))
            losses = keras.losses.categorical_crossentropy(targets, logits, from_logits=True)
            loss = tf.reduce_sum(losses * weights) / whole
        gradients = tape.gradient(loss, self._model.trainable_weights)
        right = tf.reduce_sum(tf.cast(tf.argmax(logits, 1) == tf.argmax(targets, 1), tf.float32))
        return _all_reduced([*gradients, loss, right])


def _all_reduced(values: Any) -> Any:
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


@contextmanager
def _losing() -> Iterator[None]:
    """Says in words what TensorFlow says of a worker that is gone."""
    try:
        yield
    except _SIGNS as error:
        log.warning("%s", str(error)[:1000])
        raise TeamLost("Another worker of this training is gone, or did not come.") from error


@contextmanager
def _giving_up_after(seconds: float) -> Iterator[None]:
    """Ends the process when the block takes longer: TensorFlow waits for ever, and hears no signal."""

    def give_up() -> None:
        log.error("not all workers came within %.0f s", seconds)
        os._exit(LOST)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
