"""Draws practice photos for the tutorial: ``python -m tools.draw_practice FOLDER`` makes 3 class folders of 40 each.

People of simple shapes hold their arms up, out or down, some of them not quite. No two are alike: build, clothes, place
and the angles of their limbs are drawn by chance. The same seed always draws the same ones.
"""

import colorsys
import random
import sys
from math import cos, radians, sin
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
Point = tuple[float, float]

SIZE, OVERSAMPLING = 320, 2
PHOTOS = 40
# Degrees between each upper arm, each forearm, and straight down.
ARMS = {"arms_up": (150, 172), "arms_out": (88, 92), "arms_down": (14, 6)}
SKIN = ("#f1c9a5", "#e0ac7e", "#c68642", "#8d5524", "#5c3a1e")


def photo(action: str, rng: random.Random) -> Image.Image:
    """Draws one person."""
    side = SIZE * OVERSAMPLING
    image = Image.new("RGB", (side, side), _colour(rng, 0.35, (0.45, 0.95)))
    draw = ImageDraw.Draw(image)
    horizon = side * rng.uniform(0.55, 0.8)
    draw.rectangle((0, horizon, side, side), _colour(rng, 0.4, (0.3, 0.7)))
    for _ in range(rng.randint(2, 5)):  # What stands about.
        x, width = rng.uniform(-0.1, 1) * side, rng.uniform(0.05, 0.25) * side
        draw.rectangle((x, horizon - rng.uniform(0.05, 0.45) * side, x + width, horizon), _colour(rng, 0.5, (0.3, 0.9)))
    _person(draw, action, rng, side)
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.6))).resize((SIZE, SIZE))
    noise = Image.frombytes("RGB", (SIZE, SIZE), rng.randbytes(3 * SIZE * SIZE))
    return Image.blend(image, noise, rng.uniform(0.02, 0.09))


def _person(draw: ImageDraw.ImageDraw, action: str, rng: random.Random, side: int) -> None:
    tall = side * rng.uniform(0.38, 0.66)
    middle, top = side * rng.uniform(0.38, 0.62), side * rng.uniform(0.2, 0.28)
    skin = ImageColor.getrgb(rng.choice(SKIN))[:3]
    shirt, trousers, hair = (
        _colour(rng, 0.8, (0.3, 0.95)),
        _colour(rng, 0.5, (0.15, 0.6)),
        _colour(rng, 0.6, (0.1, 0.5)),
    )
    neck, hips = (middle, top + tall * 0.2), (middle + rng.uniform(-0.02, 0.02) * tall, top + tall * 0.52)
    thick = tall * rng.uniform(0.07, 0.1)
    for way in (-1, 1):
        hip = (hips[0] + way * tall * 0.055, hips[1])
        knee = _step(hip, way * rng.uniform(0, 16), tall * 0.24)
        _limb(draw, [hip, knee, _step(knee, way * rng.uniform(-8, 8), tall * 0.24)], trousers, thick)
    for way in (-1, 1):
        upper, fore = (angle + rng.gauss(0, 24) for angle in ARMS[action])
        shoulder = (neck[0] + way * tall * 0.1, neck[1] + tall * 0.04)
        elbow = _step(shoulder, way * upper, tall * 0.17)
        hand = _step(elbow, way * fore, tall * 0.17)
        _limb(draw, [elbow, hand], skin, thick * 0.6)
        _limb(draw, [shoulder, elbow], shirt, thick * 0.75)
    _limb(draw, [(neck[0], neck[1] + tall * 0.07), hips], shirt, tall * 0.22)
    head = tall * 0.085
    _disc(draw, (middle, top + head), head, hair)
    _disc(draw, (middle, top + head * 1.25), head * 0.86, skin)


def _colour(rng: random.Random, most_saturated: float, values: tuple[float, float]) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.05, most_saturated), rng.uniform(*values))
    return int(red * 255), int(green * 255), int(blue * 255)


def _step(start: Point, degrees: float, length: float) -> Point:
    return start[0] + sin(radians(degrees)) * length, start[1] + cos(radians(degrees)) * length


def _limb(draw: ImageDraw.ImageDraw, line: list[Point], colour: Colour, width: float) -> None:
    draw.line(line, colour, round(width), joint="curve")
    for point in line:
        _disc(draw, point, width / 2, colour)


def _disc(draw: ImageDraw.ImageDraw, centre: Point, radius: float, colour: Colour) -> None:
    x, y = centre
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), colour)


def main(folder: Path) -> None:
    """Writes FOLDER/ACTION/NUMBER.jpg."""
    for action in ARMS:
        (folder / action).mkdir(parents=True, exist_ok=True)
        for number in range(1, PHOTOS + 1):
            photo(action, random.Random(f"{action} {number}")).save(folder / action / f"{number:02}.jpg", quality=90)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m tools.draw_practice FOLDER")
    main(Path(sys.argv[1]))
