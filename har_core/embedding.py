"""Images → feature vectors of a frozen ImageNet network, which no training of ours changes.

Photos that look alike lie close together by cosine similarity, whatever their labels. The network is EfficientNet-Lite0
up to its last feature map, averaged over all positions, computed in 8 bits: twice as fast as in float32 and as good for
telling photos apart. ``python -m training.backbones.export`` makes its file.
"""

from pathlib import Path

from har_core.config import PROJECT_ROOT
from har_core.errors import ModelError
from har_core.images import RGBImage, resize
from har_core.litert import Floats, Network

# It does not move with HAR_SHIPPED_MODELS: that names where bundles are, and this is none.
BACKBONE = PROJECT_ROOT / "models" / "backbones" / "efficientnet_lite0_int8.tflite"
DIMENSIONS = 1280


class Embedder:
    """Embeds images. Safe to share between threads.

    Attributes:
        name: Which network; what is cached goes by it.
        dimensions: Length of an embedding.
        threads: How many images are embedded at the same time.
        input_size: Side of the square that images are resized to, pixels.
    """

    def __init__(self, threads: int | None = None, file: Path | None = None) -> None:
        """Loads the network.

        Args:
            threads: Images embedded at the same time; the settings' value when absent.
            file: Another network with a uint8 image as its input and an output ``embedding``, in place of ours.

        Raises:
            ModelError: Its file is missing or damaged.
        """
        file = file or BACKBONE
        try:
            self._network = Network(file.read_bytes(), threads)
        except (OSError, ValueError, RuntimeError) as error:
            raise ModelError(f"The backbone {file.name} cannot be loaded: {error}") from error
        self.name = file.stem
        self.dimensions = self._network.output_shapes["embedding"][-1]
        self.threads = self._network.threads
        self.input_size = int(self._network.input_shape[1])

    def embed(self, image: RGBImage) -> Floats:
        """Embeds one image.

        Args:
            image: uint8 RGB ``(H, W, 3)``; decode it with ``min_side=input_size`` for speed.

        Returns:
            float32 ``(dimensions,)``; of our network 1280 values, each 0–6.
        """
        return self._network.run(resize(image, self.input_size))["embedding"]
