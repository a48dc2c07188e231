"""The backbones that can be chosen by name, for whoever offers them. Needs no TensorFlow.

Beside these there are ``kerashub:PRESET``, too many to list; see ``kerashub``.
"""

# Side in pixels of the square input that each one's ImageNet weights were trained at.
IMAGE_SIZES = {
    "efficientnet_lite0": 224,
    "efficientnet_lite1": 240,
    "efficientnet_lite2": 260,
    "keras:ConvNeXtBase": 224,
    "keras:ConvNeXtLarge": 224,
    "keras:ConvNeXtSmall": 224,
    "keras:ConvNeXtTiny": 224,
    "keras:ConvNeXtXLarge": 224,
    "keras:DenseNet121": 224,
    "keras:DenseNet169": 224,
    "keras:DenseNet201": 224,
    "keras:EfficientNetB0": 224,
    "keras:EfficientNetB1": 240,
    "keras:EfficientNetB2": 260,
    "keras:EfficientNetB3": 300,
    "keras:EfficientNetB4": 380,
    "keras:EfficientNetB5": 456,
    "keras:EfficientNetB6": 528,
    "keras:EfficientNetB7": 600,
    "keras:EfficientNetV2B0": 224,
    "keras:EfficientNetV2B1": 240,
    "keras:EfficientNetV2B2": 260,
    "keras:EfficientNetV2B3": 300,
    "keras:EfficientNetV2L": 480,
    "keras:EfficientNetV2M": 480,
    "keras:EfficientNetV2S": 384,
    "keras:InceptionResNetV2": 299,
    "keras:InceptionV3": 299,
    "keras:MobileNet": 224,
    "keras:MobileNetV2": 224,
    "keras:MobileNetV3Large": 224,
    "keras:MobileNetV3Small": 224,
    "keras:NASNetLarge": 331,
    "keras:NASNetMobile": 224,
    "keras:ResNet101": 224,
    "keras:ResNet101V2": 224,
    "keras:ResNet152": 224,
    "keras:ResNet152V2": 224,
    "keras:ResNet50": 224,
    "keras:ResNet50V2": 224,
    "keras:VGG16": 224,
    "keras:VGG19": 224,
    "keras:Xception": 299,
}

NAMES = tuple(IMAGE_SIZES)
