"""Draws pictures from texts: strokes that look like lit bodies, people seen from the side, and land behind them.

A drawing is a text with a stroke a line, ``kind colour depth/folds sizes points``; see :meth:`Scene.draw`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageColor, ImageDraw, ImageFilter

Point = tuple[float, float]
Colour = tuple[int, ...]
Colours = dict[str, Colour]
Shape = list[list[Point]]  # polygons that are filled together
Floats = NDArray[np.float32]
Rng = np.random.Generator

WIDTH, HEIGHT, OVERSAMPLING = 640, 480, 4
JPEG_QUALITY = 88
_FOLDS = 0.12  # how strongly a surface is mottled unless its stroke says otherwise

# Parts of a person facing right. The unit of a head is its height, with (0, 0) its middle; a shoe's is a metre.
_HEAD = """
blob skin .1/.05 - 0,-.5 .2,-.45 .33,-.32 .38,-.16 .385,-.1 .365,-.03 .41,.05 .455,.12 .44,.155 .385,.17 .405,.215 \
    .375,.245 .395,.285 .355,.335 .365,.4 .32,.475 .2,.47 .02,.36 -.12,.3 -.3,.28 -.42,.05 -.44,-.2 -.3,-.42
~disc #c85a50 .25/.06 .1 .22,.14
rope hair*.9 .02/0 .011 .24,-.125 .3,-.15 .36,-.135
blob #eeeae4 .02/0 - .25,-.04 .29,-.068 .335,-.05 .32,-.025 .28,-.02
disc #281c18 .02/0 .022/.028 .315,-.045
rope #4a342c .02/0 .008 .235,-.045 .285,-.076 .34,-.053
rope #a85a52 .02/0 .011 .3,.24 .345,.25 .385,.243
blob hair .08/.5 - .3,-.37 .2,-.28 .14,-.16 .06,-.1 .03,.08 -.03,.06 -.12,.1 -.16,.24 -.31,.31 -.45,.06 -.48,-.2 \
    -.34,-.46 -.02,-.56 .24,-.47
disc skin*.95 .04 .06/.11/-12 -.06,.04
"""
_HELMET = """
tube black .02 .016 -.1,-.12 .02,.2 .16,.46
blob helmet .1/.05 - .46,-.2 .3,-.24 .0,-.16 -.2,-.08 -.5,-.06 -.56,-.2 -.5,-.42 -.26,-.62 .06,-.66 .32,-.52
"""
_SHOE = """
blob shoe .014 - -.07,-.03 0,-.055 .05,-.03 .12,.015 .18,.035 .2,.06 .1,.075 -.08,.075 -.085,.02
rope sole .006/0 .011 -.08,.068 .05,.08 .19,.068
"""


def to_points(rows: NDArray[Any]) -> list[Point]:
    """Turns an array's rows into points."""
    return [(float(x), float(y)) for x, y in rows]


class Spot(NamedTuple):
    """Where a drawing goes: its origin, the length of its unit and how far it is turned clockwise."""

    at: Point = (0.0, 0.0)
    unit: float = 1.0
    degrees: float = 0.0

    def place(self, text: str) -> list[Point]:
        """Reads points written as ``x,y x,y``."""
        x, y = np.array([pair.split(",") for pair in text.split()], float).T * self.unit
        cos, sin = np.cos(np.radians(self.degrees)), np.sin(np.radians(self.degrees))
        return to_points(np.column_stack((self.at[0] + x * cos - y * sin, self.at[1] + x * sin + y * cos)))


HERE = Spot()


def smooth(points: list[Point], closed: bool = True, steps: int = 10) -> list[Point]:
    """Runs a Catmull-Rom curve through points."""
    p = np.array([points[-1], *points, *points[:2]] if closed else [points[0], *points, points[-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    a, b, c, d = (p[i : len(p) - 3 + i, None] for i in range(4))
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return to_points(np.concatenate((curve.reshape(-1, 2), p[:0] if closed else p[-1:])))


def disc(centre: Point, rx: float, ry: float = 0.0, degrees: float = 0.0) -> list[Point]:
    """A circle or a turned ellipse."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    return Spot(centre, 1, degrees).place(" ".join(f"{rx * np.cos(a)},{(ry or rx) * np.sin(a)}" for a in angles))


def tube(line: list[Point], radii: list[float]) -> Shape:
    """A rounded limb along a line whose radius goes evenly from one given radius to the next."""
    r = np.interp(np.linspace(0, 1, len(line)), np.linspace(0, 1, len(radii)), radii)
    shape = [disc(point, radius) for point, radius in zip(line, r.tolist(), strict=True)]
    for a, b, ra, rb in zip(np.array(line), np.array(line)[1:], r, r[1:], strict=False):
        across = np.array([a[1] - b[1], b[0] - a[0]]) / max(np.hypot(*(b - a)), 1e-6)
        shape.append(to_points(np.array((a + across * ra, b + across * rb, b - across * rb, a - across * ra))))
    return shape


def outline(kind: str, points: list[Point], sizes: list[float]) -> Shape:
    """The polygons of one stroke."""
    match kind:
        case "poly":
            return [points]
        case "blob":
            return [smooth(points)]
        case "disc":
            return [disc(point, *sizes) for point in points]
        case "ring":
            rims = (disc(point, sizes[0]) for point in points)
            return [polygon for rim in rims for polygon in tube([*rim, rim[0]], [sizes[1] / 2])]
    return tube(smooth(points, closed=False) if kind == "rope" else points, sizes)


def shade(colour: Colour, factor: float) -> Colour:
    """A lighter or darker colour."""
    return tuple(min(int(c * factor), 255) for c in colour)


def palette(**colours: str) -> Colours:
    """Names colours for a drawing."""
    return {name: ImageColor.getrgb(value) for name, value in colours.items()}


BASIC = palette(black="#18181c", white="#f4f4f4", steel="#b0b4ba", sole="#f4f4f4")


def fractal(rng: Rng, cell: float, stretch: float = 1.0) -> Floats:
    """Cloudy noise between 0 and 1 whose largest blots are ``cell`` high and ``cell * stretch`` wide."""
    total = np.zeros((HEIGHT, WIDTH), np.float32)
    for octave in range(4):
        size = cell / 2**octave
        coarse = rng.random((int(HEIGHT / size) + 3, int(WIDTH / size / stretch) + 3), dtype=np.float32)
        total += np.asarray(Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)) / 2**octave
    return np.asarray((total - total.min()) / np.ptp(total), np.float32)


def blend(a: Colour | Floats, b: Colour | Floats, share: Floats) -> Floats:
    """Mixes two colours or pictures by a share per pixel."""
    first, second = np.asarray(a, np.float32), np.asarray(b, np.float32)
    return np.asarray(first + (second - first) * share[..., None], np.float32)


def backdrop(rng: Rng, sky: str, lands: str = "", clouds: float = 1.0) -> Floats:
    """A sky from one colour down to another, and lands before it: hills, woods, grass, asphalt.

    Each land is a line ``height/rise dark light cell/stretch``: how high its horizon lies and how far that rises and
    falls, its two tones, and the size of its mottling and how much wider than high that is.
    """
    down = np.repeat(np.linspace(0, 1, HEIGHT, dtype=np.float32)[:, None], WIDTH, 1)
    top, bottom = map(ImageColor.getrgb, sky.split())
    picture = blend(top, bottom, np.minimum(down * 1.4, 1))
    picture = blend(picture, BASIC["white"], fractal(rng, 120, 2.5) ** 3 * np.float32(clouds))
    for land in lands.strip().splitlines():
        edge, dark, light, cell = land.split()
        height, rise = map(float, edge.split("/"))
        below = down * HEIGHT - height + rise * (fractal(rng, 90)[:1] * 2 - 1)
        mottling = fractal(rng, *map(float, cell.split("/")))
        ground = blend(ImageColor.getrgb(dark), ImageColor.getrgb(light), mottling)
        picture = blend(picture, ground, np.clip(below, 0, 1))
    return picture


class Scene:
    """A picture being drawn; coordinates are in the finished picture's pixels."""

    def __init__(self, picture: Floats, rng: Rng) -> None:
        size = (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING)
        self.image = Image.fromarray(picture.clip(0, 255).astype(np.uint8)).resize(size, Image.Resampling.BICUBIC)
        self.folds = np.asarray(Image.fromarray(fractal(rng, 16)).resize(size, Image.Resampling.BILINEAR)) - 0.5
        self.rng = rng

    def draw(self, drawing: str, spot: Spot = HERE, colours: Colours | None = None) -> None:
        """Draws strokes, a line each: ``kind colour depth/folds sizes points``.

        The kinds are ``poly``, ``blob`` (a smooth outline), ``tube`` and ``rope`` (straight and curved, the sizes being
        radii along it), ``disc`` (radii and turn) and ``ring`` (radius and width). With a ``~`` the stroke is a soft
        shadow or shine, and its opacity and blur stand in place of depth and folds. A colour is a name or a hex code,
        with an optional ``*factor``; ``;`` parts shapes that share a stroke.
        """
        for line in filter(None, drawing.splitlines()):
            kind, name, finish, size, points = line.split(maxsplit=4)
            name, _, factor = name.partition("*")
            colour = {**BASIC, **(colours or {})}.get(name) or ImageColor.getrgb(name)
            sizes = [] if size == "-" else [float(s) for s in size.split("/")]
            sizes = [s * (1 if i == 2 and "disc" in kind else spot.unit) for i, s in enumerate(sizes)]
            parts = (outline(kind.lstrip("~"), spot.place(part), sizes) for part in points.split(";"))
            shape, tone = [polygon for part in parts for polygon in part], shade(colour, float(factor or 1))
            first, _, second = finish.partition("/")
            if kind.startswith("~"):
                self.tint(shape, tone, float(first), float(second) * spot.unit)
            else:
                self.paint(shape, tone, float(first) * spot.unit, float(second or _FOLDS))

    def _mask(self, shape: Shape) -> Image.Image:
        mask = Image.new("L", self.image.size)
        pen = ImageDraw.Draw(mask)
        for polygon in shape:
            pen.polygon([(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in polygon], fill=255)
        return mask

    def paint(self, shape: Shape, colour: Colour, depth: float, folds: float = _FOLDS) -> None:
        """Fills a shape as a body lit from the upper left, rounded ``depth`` inwards and mottled by ``folds``."""
        mask = self._mask(shape)
        box = mask.getbbox()
        if box is None:
            return
        step = max(int(depth * OVERSAMPLING), 1)
        outer = (box[0] - step, box[1] - step, box[2] + step, box[3] + step)
        height = np.asarray(mask.crop(outer).filter(ImageFilter.GaussianBlur(step)), np.float32) / 255
        light = height - np.roll(height, (step * 4 // 5, step // 2), (0, 1))
        inner = np.s_[step:-step, step:-step]
        tone = 0.72 + 0.34 * height[inner] + 0.38 * light[inner]
        tone = tone + self.folds[box[1] : box[3], box[0] : box[2]] * folds
        lit = np.clip(np.asarray(colour, np.float32) * tone[..., None], 0, 255).astype(np.uint8)
        self.image.paste(Image.fromarray(lit), box[:2], mask.crop(box))

    def tint(self, shape: Shape, colour: Colour, opacity: float, blur: float) -> None:
        """Lays a soft shadow or shine over the picture."""
        mask = self._mask(shape).resize((WIDTH, HEIGHT), Image.Resampling.BOX)
        mask = mask.filter(ImageFilter.GaussianBlur(blur)).point(lambda v: v * opacity)
        self.image.paste(colour, mask=mask.resize(self.image.size, Image.Resampling.BILINEAR))

    def defocus(self, radius: float) -> None:
        """Blurs all that was drawn so far, as a lens blurs what is far."""
        self.image = self.image.filter(ImageFilter.GaussianBlur(radius * OVERSAMPLING))

    def save(self, path: Path) -> None:
        """Scales the picture down, adds a lens's vignette and a film's grain, and writes it as a JPEG."""
        small = self.image.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(0.4))
        y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
        pixels = np.asarray(small, np.float32) * (1.04 - 0.1 * (x**2 + y**2))[..., None]
        pixels += self.rng.normal(0, 2.5, (HEIGHT, WIDTH, 1))
        finished = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
        finished.save(path, quality=JPEG_QUALITY)


@dataclass(frozen=True)
class Figure:
    """A person seen from the side, facing right."""

    metre: float
    joints: str  # head, shoulder, hip; then elbow and hand, knee and ankle: far arm, near arm, far leg, near leg
    colours: Colours  # of skin, hair, top, bottom, shoe and, where worn, helmet
    sleeve: float = 0.45  # how much of an arm and of a leg is covered
    trouser: float = 0.45
    feet: tuple[float, float] = (0, 0)  # degrees the toes point down, far and near
    tilt: float = 0.0  # degrees the head is bent forward

    def limb(self, scene: Scene, leg: bool, near: bool) -> None:
        """Draws an arm or a leg, the far ones darker."""
        joints, m = HERE.place(self.joints), self.metre
        at = 3 + 4 * leg + 2 * near
        start, middle, end = (np.array(p) for p in (joints[1 + leg], *joints[at : at + 2]))
        colours = {name: shade(c, 1 if near else 0.76) for name, c in self.colours.items()}
        spread = (0.088, 0.072, 0.058, 0.06, 0.05, 0.034) if leg else (0.052, 0.047, 0.043, 0.043, 0.036, 0.029)
        path = np.array([start, (start + middle) / 2, middle, middle * 0.7 + end * 0.3, (middle + end) / 2, end])
        path[3, 0] -= m * 0.014 * leg  # the calf
        line, radii = to_points(path), [m * r for r in spread]
        tip = end + (end - middle) / np.hypot(*(end - middle)) * m * 0.07
        hand = [] if leg else tube(to_points(np.array((end, tip))), [m * 0.036, m * 0.032])
        scene.paint(tube(line, radii) + hand, colours["skin"], m * 0.018)
        if leg:
            scene.draw(_SHOE, Spot(line[-1], m, self.feet[near]), colours)
        cover = round((self.trouser if leg else self.sleeve) * 5)
        if cover:
            wide = [r + m * 0.013 for r in radii[: cover + 1]]
            scene.paint(tube(line[: cover + 1], wide), colours["bottom" if leg else "top"], m * 0.024, 0.2)

    def trunk(self, scene: Scene) -> None:
        """Draws the torso, the neck and the head."""
        joints, m = HERE.place(self.joints), self.metre
        head, shoulder, hip = (np.array(p) for p in joints[:3])
        neck = np.array(((head + shoulder * 2) / 3, head))
        scene.paint(tube(to_points(neck), [m * 0.066, m * 0.058]), shade(self.colours["skin"], 0.85), 3)
        back = np.array((hip, (hip + shoulder) / 2 - 0.06 * (hip - shoulder)[::-1] * (1, -1), shoulder))
        scene.paint(
            tube(smooth(to_points(back), closed=False), [m * r for r in (0.11, 0.1, 0.122, 0.085)]),
            self.colours["top"],
            m * 0.032,
            0.2,
        )
        drawing = _HEAD + (_HELMET if "helmet" in self.colours else "")
        scene.draw(drawing, Spot(joints[0], m * 0.24, self.tilt), self.colours)
