"""The classifiers of ``keras.applications`` as backbones, with the preprocessing that each one's weights expect."""

from typing import Any, Literal

import keras
from keras import layers, ops

from har_core.errors import BackboneUnavailable

Mode = Literal["caffe", "tf", "torch"]

# What the ``preprocess_input`` of a class's module does; in modules that are not listed the network does it itself.
_MODES: dict[str, Mode] = {
    "densenet": "torch",
    "inception_resnet_v2": "tf",
    "inception_v3": "tf",
    "mobilenet": "tf",
    "mobilenet_v2": "tf",
    "nasnet": "tf",
    "resnet": "caffe",
    "resnet_v2": "tf",
    "vgg16": "caffe",
    "vgg19": "caffe",
    "xception": "tf",
}
# Of ImageNet, red, green and blue: of values in 0–255, and in 0–1.
_CAFFE_MEAN = (123.68, 116.779, 103.939)
_TORCH_MEAN = (0.485, 0.456, 0.406)
_TORCH_STD = (0.229, 0.224, 0.225)


def build(name: str, image_size: int, pretrained: bool) -> keras.Model:
    """Builds a network without its classification head.

    Args:
        name: A classifier of ``keras.applications``, such as ``ResNet50``.
        image_size: Side of the square input in pixels.
        pretrained: Load the ImageNet weights, and download them where they are not kept yet; random ones otherwise.

    Returns:
        A model from float32 RGB images ``(n, S, S, 3)`` in 0–255 to the last feature map ``(n, h, w, c)``.

    Raises:
        BackboneUnavailable: The weights cannot be downloaded, or the network does not take that size.
    """
    network = getattr(keras.applications, name)
    shape = (image_size, image_size, 3)
    inputs = keras.Input(shape, name="image")
    tensor = preprocess(inputs, _MODES.get(network.__module__.rpartition(".")[2]))
    try:
        # Given the tensor, Keras puts its layers behind the preprocessing, in one flat model: only then can the upper
        # ones be trained alone.
        weights = "imagenet" if pretrained else None
        features = network(include_top=False, weights=weights, input_tensor=tensor, input_shape=shape)
    except Exception as error:  # Keras raises nothing narrower when a download fails.
        raise BackboneUnavailable(_sentence(name, image_size, error)) from error
    return keras.Model(inputs, features.output, name=name.lower())


def preprocess(images: Any, mode: Mode | None) -> Any:
    """What ``keras.applications.imagenet_utils.preprocess_input`` does, in layers that are saved with the model.

    Args:
        images: Keras tensor of RGB images in 0–255 ``(n, S, S, 3)``.
        mode: Which of its modes; None: nothing.
    """
    if mode == "tf":
        return layers.Rescaling(1 / 127.5, offset=-1.0, name="scale")(images)
    if mode == "torch":
        scale = [1 / (255 * std) for std in _TORCH_STD]
        offset = [-mean / std for mean, std in zip(_TORCH_MEAN, _TORCH_STD, strict=True)]
        return layers.Rescaling(scale, offset=offset, name="scale")(images)
    if mode == "caffe":
        centred = layers.Rescaling(1.0, offset=[-mean for mean in _CAFFE_MEAN], name="centre")(images)
        return ops.flip(centred, axis=-1)  # These networks were trained on BGR.
    return images


def _sentence(name: str, image_size: int, error: Exception) -> str:
    if isinstance(error, ValueError) and "size" in str(error):
        return f"keras:{name} does not take images of {image_size} px: {error}"
    return (
        f"The ImageNet weights of keras:{name} cannot be loaded ({str(error)[:200]}). Connect this machine to the "
        "internet, copy the file from a machine that has it into ~/.keras/models, take one of efficientnet_lite0 to 2, "
        "whose weights are installed, or set start to random."
    )
