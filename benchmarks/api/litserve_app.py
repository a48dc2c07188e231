"""The same network under LitServe, one LiteRT interpreter in each of two workers: ``python -m ... FILE PORT``."""

import io
import sys
from typing import Any

import litserve
import numpy as np
from ai_edge_litert.interpreter import Interpreter
from fastapi import Request
from PIL import Image


class Photos(litserve.LitAPI):
    """Photo → scores."""

    def __init__(self, network: str) -> None:
        super().__init__()
        self._file = network

    def setup(self, device: str) -> None:
        """Loads the network in each worker."""
        del device
        self.interpreter = Interpreter(self._file, num_threads=1)
        self.interpreter.allocate_tensors()
        detail = self.interpreter.get_input_details()[0]
        self.input, self.size = detail["index"], int(detail["shape"][1])
        signature = self.interpreter.get_signature_runner().get_output_details()
        self.output = signature["logits"]["index"]

    def decode_request(self, request: Request, **_: Any) -> Any:
        """The photo as the network takes it."""
        image = Image.open(io.BytesIO(request["image"].file.read())).convert("RGB")
        return np.asarray(image.resize((self.size, self.size)), np.uint8)[None]

    def predict(self, x: Any, **_: Any) -> Any:
        """Runs the network."""
        self.interpreter.set_tensor(self.input, x)
        self.interpreter.invoke()
        return self.interpreter.get_tensor(self.output)[0]

    def encode_response(self, output: Any, **_: Any) -> Any:
        """The best label."""
        return {"label": int(output.argmax()), "score": float(output.max())}


if __name__ == "__main__":
    server = litserve.LitServer(Photos(sys.argv[1]), accelerator="cpu", workers_per_device=2)
    server.run(port=int(sys.argv[2]), generate_client_file=False, log_level="error")
