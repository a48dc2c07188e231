"""A LiteRT network that threads share."""

import queue

import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from har_core.config import cores, settings
from har_core.images import RGBImage

Floats = npt.NDArray[np.float32]

# An interpreter takes some 20 MB; more at a time rarely pays.
_MAX_THREADS = 8


class _Interpreter:
    """For one thread at a time."""

    def __init__(self, content: bytes) -> None:
        self._interpreter = Interpreter(model_content=content, num_threads=1)
        self._interpreter.allocate_tensors()
        runner = self._interpreter.get_signature_runner()
        (image,) = runner.get_input_details().values()
        self._input: int = image["index"]
        self.input_shape = tuple(image["shape"])
        outputs = runner.get_output_details()
        self._outputs = {name: detail["index"] for name, detail in outputs.items()}
        self.output_shapes = {name: tuple(map(int, detail["shape"])) for name, detail in outputs.items()}

    def run(self, image: RGBImage) -> dict[str, Floats]:
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()}


class Network:
    """A network with one input, a uint8 RGB image: several interpreters, each lent to one thread at a time.

    Attributes:
        threads: How many images run at the same time; further threads wait.
        input_shape: ``(1, height, width, 3)``.
        output_shapes: Of each output by name, ``(1, ...)``.
    """

    def __init__(self, content: bytes, threads: int | None = None) -> None:
        """Loads the network.

        Args:
            content: A ``.tflite`` file's content.
            threads: Images run at the same time; the settings' value when absent.

        Raises:
            ValueError: The content is no LiteRT network, or has another number of inputs.
            RuntimeError: It asks for what this runtime does not have.
        """
        self.threads = threads or settings().threads or min(cores(), _MAX_THREADS)
        interpreters = [_Interpreter(content) for _ in range(self.threads)]
        self.input_shape = interpreters[0].input_shape
        self.output_shapes = interpreters[0].output_shapes
        self._idle: queue.LifoQueue[_Interpreter] = queue.LifoQueue()
        for interpreter in interpreters:
            self._idle.put(interpreter)

    def run(self, image: RGBImage) -> dict[str, Floats]:
        """Runs one image of the input's size.

        Args:
            image: uint8 RGB ``(height, width, 3)``.

        Returns:
            Each output by name, without the batch's axis.
        """
        interpreter = self._idle.get()
        try:
            return interpreter.run(image)
        finally:
            self._idle.put(interpreter)
