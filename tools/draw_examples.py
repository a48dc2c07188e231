"""Draws the example pictures and the mark that ship with the app.

Every scene is drawn here, at four times its size, and scaled down; the one photograph is the public-domain NASA
portrait that comes with scikit-image. The same code always draws the same pictures: ``python -m tools.draw_examples``.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw
from skimage import data

from tools.drawing import (
    HEIGHT,
    HERE,
    JPEG_QUALITY,
    OVERSAMPLING,
    WIDTH,
    Figure,
    Point,
    Rng,
    Scene,
    Spot,
    backdrop,
    blend,
    fractal,
    outline,
    palette,
    shade,
    smooth,
    to_points,
    tube,
)

ASSETS = Path(__file__).resolve().parent.parent / "har_ui" / "assets"
MARK_SIZE, MARK_COLOUR = 256, "#0b7480"  # The colour is the theme's.
MARK_CORNER, MARK_LIMB, MARK_HEAD = 56, 13.5, (178, 53, 25)

BEARDED_FACE = """
disc skin*.9 .04 .06/.11 -.38,.03 .38,.03
blob skin .12/.05 - 0,-.5 .22,-.45 .35,-.25 .37,0 .33,.22 .2,.42 .07,.5 -.07,.5 -.2,.42 -.33,.22 -.37,0 -.35,-.25 \
    -.22,-.45
blob hair .08/.6 - -.36,.02 -.28,.2 -.16,.24 -.09,.19 0,.21 .09,.19 .16,.24 .28,.2 .36,.02 .35,.25 .22,.47 .08,.57 \
    -.08,.57 -.22,.47 -.35,.25
~disc skin*.55 .5/.03 .1/.06 -.16,-.03 .16,-.03
rope #2c1c18 .01/0 .014 -.25,-.02 -.16,.015 -.08,-.02 ; .08,-.02 .16,.015 .25,-.02
rope hair .01/0 .02/.026/.012 -.07,-.11 -.16,-.14 -.27,-.1 ; .07,-.11 .16,-.14 .27,-.1
~blob skin*.6 .5/.02 - -.02,-.06 .05,.08 .08,.15 0,.18 -.05,.15
blob #b06058 .02/0 - -.11,.285 0,.27 .11,.285 .05,.33 -.05,.33
blob hair .08/.6 - -.39,.04 -.34,-.14 -.27,-.24 -.12,-.3 .02,-.24 .16,-.29 .29,-.22 .35,-.12 .39,.04 .45,-.16 .4,-.42 \
    .24,-.56 .04,-.62 -.18,-.6 -.37,-.46 -.45,-.18
"""

HILLS = "260/26 #789296 #96aca8 60/2\n290/30 #223a1e #849e54 34/1\n"
BICYCLE = """
ring #787c82 1/0 68/4 205,366 425,366
ring black 2 72/5 205,366 425,366
disc steel 2 6 205,366 425,366
tube frame*.85 2/0 4/3 205,366 292,376 ; 205,366 264,254
tube #46464a 1/0 1.2 206,361 292,362 ; 206,371 292,392
tube frame 2/0 5 292,376 264,254 392,242 400,272 292,376
rope frame 2/0 5/4.5/3 400,272 406,300 425,366
tube steel 2 3.4 264,254 258,232
blob black 3 - 228,226 240,222 262,224 292,229 294,233 270,236 244,240 230,236
rope black 2 4 392,242 388,230 404,226 424,226 440,230 446,246 436,264 420,268
ring #5a5c62 1 15/4 292,376
"""
TREES = """
tube #5a4634 3 6/4 70,344 74,220 ; 560,346 556,220 ; 220,338 222,260
disc #486a34 14/.9 66/54 20,110 84,140 30,206 96,214 -20,170
disc #567a3e 14/.9 60/52 540,80 610,110 500,140 574,190 510,214 640,206
disc #6a8c50 9/.9 32/28 196,228 234,220 216,206 246,250 200,262
"""
ROOM = """
poly #d8cebc 1/.05 - 0,0 336,0 336,480 0,480 ; 594,0 640,0 640,480 594,480 ; 330,0 600,0 600,28 330,28 ; \
    330,266 600,266 600,480 330,480
tube #f6f4f0 2/0 5 336,28 594,28 594,266 336,266 336,28 ; 465,28 465,266
poly #845e3e 2 - 0,90 120,90 120,98 0,98 ; 0,180 120,180 120,188 0,188
"""
SEAT = """
blob #3e4046 8 - 84,262 108,246 122,300 128,400 138,480 104,480 92,380
blob #34363c 8 - 100,462 220,452 236,480 220,500 100,500
"""
DESK = """
poly #b07e50 3 - 236,398 330,322 644,322 644,398
poly #885c38 3 - 236,398 644,398 644,416 236,416
~poly black .5/5 - 300,384 440,386 524,334 480,330
poly #787c82 1/0 - 310,383 432,383 512,335 392,335 ; 437,379 517,331 553,207 475,251
poly #ced1d6 2/.03 - 310,378 432,378 512,330 392,330
poly #1e2024 2/0 - 432,378 512,330 548,206 470,250
~disc black .4/4 36/6 566,386
ring #ece8e2 2 12/6 596,362
poly #ece8e2 9/0 - 546,338 592,338 588,386 550,386
disc #4a2e20 2 23/5 569,339
"""
DECK, LID = "310,378 432,378 392,330", "432,378 512,330 470,250"  # an origin and the ends of two sides
GUITARIST = """
tube denim*.85 12 46/42/34 350,390 436,424 430,520
tube denim 12 48/44/36 292,390 206,428 214,520
tube skin*.8 6 32/29 320,200 320,140
blob shirt 16/.2 - 288,174 320,184 352,174 390,190 402,222 386,300 390,404 250,404 254,300 238,222 250,190
blob #ece8e2 4 - 296,172 320,184 344,172 334,206 320,226 306,206
tube shirt*1.2 2 6/5/3 294,170 300,204 314,228 ; 346,170 340,204 326,228
~disc black .55/9 100/76/-16 300,312
"""
GUITARIST_ARMS = """
tube shirt*.95 8/.2 29/23/22/17 390,214 440,320 456,282
tube skin 5 13/15 456,282 452,262
tube skin 2/.05 5/4.4 440,258 443,270 ; 450,255 453,267 ; 460,252 463,264 ; 470,249 473,261
~tube black .4/6 22/14 206,300 296,312
tube shirt 8/.2 30/23/22/17 250,214 196,298 262,306
tube skin 5 13/15 264,304 292,306
tube skin 2/.05 5.5/4 298,298 320,306 ; 297,305 316,312 ; 296,312 312,318 ; 295,319 308,324
"""
GUITAR_BODY = "-96,0 -88,-46 -50,-68 -12,-54 18,-46 50,-54 78,-40 88,0 78,40 50,54 18,46 -12,54 -50,68 -88,46"
GUITAR = """
disc #5c341c 2/0 28 28,0
disc #e0be8c 2/0 26 28,0
disc #1a100c 2/0 23 28,0
blob #361c12 2 - 8,26 34,26 46,44 26,48 2,44
poly #3a241a 3 - 44,-9 262,-7 262,7 44,9
blob #683a1e 4 - 262,-9 316,-13 322,0 316,13 262,9
poly #321c12 2 - -54,-20 -44,-20 -44,20 -54,20
disc steel 2 4 276,-15 290,-15 304,-15 276,15 290,15 304,15
"""
HORSE_BACK = """
tube coat*.6 8 26/15/13/8/8/10/8 384,280 404,310 424,340 418,362 410,386 414,396 418,404
tube coat*.6 8 40/24/14/12/8/8/10/8 226,262 234,310 244,346 240,362 232,390 228,408 230,418 233,426
blob coat*.7 3 - 446,104 446,84 456,76 460,90 460,104
"""
HORSE_BODY = """345,206 310,216 280,217 250,208 224,203 202,212 188,232 184,258 194,292 226,302 290,316 346,314 388,292
    410,262 420,226 440,188 452,172 466,178 492,186 506,188 516,180 514,166 500,146 480,118 464,102 450,98 432,108
    404,138 376,178"""
HORSE_LEGS = {
    "378,266 372,306 364,346 359,362 354,392 351,406 354,416 358,424": [34, 22, 14, 13, 8.5, 8.5, 10.5, 8],
    "214,256 206,300 190,342 187,358 181,386 176,404 179,414 183,422": [44, 27, 14, 13, 8.5, 8.5, 10.5, 8],
}
HORSE_FRONT = """
~tube #1c1210 .6/5 9/7/9 363,350 353,400 357,420 ; 188,350 178,400 182,420 ; 240,356 230,404 232,420 ; \
    420,350 411,386 417,402
poly #36302c 2 - 352,416 364,416 370,433 347,433 ; 177,412 189,413 194,430 171,429 ; \
    226,418 238,418 243,434 221,434 ; 413,398 424,400 429,414 408,412
~disc coat*1.7 .28/9 24/26/20 228,236 376,240
~disc coat*1.7 .25/9 12/36/20 416,170
~disc coat*1.7 .2/10 60/14/4 296,246
~disc black .4/9 90/14 290,306
"""
HORSE_FACE = """
blob coat 3 - 452,102 456,82 466,74 470,90 466,106
disc #140e0c 1 4.4/3.6 477,130
disc #281a16 1 3/4/30 507,168
tube #281a16 1 1 496,182 504,181 513,182
tube #38201a 1 2 456,106 462,172 ; 460,116 482,122 ; 482,168 500,152 ; 462,128 490,162 502,178
"""
SADDLE = """
blob #ece8de 4 - 256,206 300,212 350,204 356,240 330,262 270,258 256,236
tube #462c1e 2 4 318,240 322,314
blob #5c3620 5 - 262,200 276,210 304,212 336,204 346,196 348,214 338,252 318,258 304,232 270,222
"""
CLIMBER_SHADOW = "~tube black .7/12 24/20/14 {legs} ; {arms} ; 352,200 352,290"
CLIMBER = """
~disc black .6/5 30/10 280,98 456,118 288,428 404,478
blob #b0987c 4/.9 - 246,88 260,76 288,75 306,82 298,92 258,95 ; 422,108 436,96 464,95 482,102 474,112 434,115 ; \
    252,420 266,408 294,407 312,416 304,426 264,429 ; 368,468 382,456 410,455 428,464 420,474 380,477
tube shoe 4 12/9 282,396 272,412 ; 394,446 404,462
tube trousers 8/.25 27/20/13 {legs}
tube skin 5 16/13/8.5 {arms}
tube skin 2/.05 4/3.4 270,82 268,70 ; 276,80 275,67 ; 283,82 283,69 ; 446,102 447,90 ; 453,101 455,88 ; 460,104 463,92
tube shirt 6/.2 21/17 322,196 286,162 ; 382,190 422,172
tube skin*.85 4 16/15 350,188 352,160
blob shirt 12/.25 - 318,188 350,182 384,184 392,214 378,262 384,302 320,304 322,264 310,220
~tube black .3/5 4/2 352,200 350,286
rope #225c96 2 5 318,284 350,290 386,282 ; 322,296 330,330 356,336 ; 384,294 382,330 358,336
ring steel 1 6/2.4 312,302 326,302 390,302
blob #3c825a 5 - 342,292 366,292 370,322 356,330 342,322
disc #46301f 6/.4 24/28 355,148
blob #eebe2e 8/0 - 328,146 328,126 340,112 358,108 376,114 384,130 384,148 356,156
~rope black .5/2 3 396,294 418,226 426,126 418,46 420,6 ; 390,302 426,366 446,436 442,486
rope #2c96c4 2/.6 2.6 390,288 412,220 420,120 412,40 414,0 ; 384,296 420,360 440,430 436,480
tube steel 1 3 412,30 412,52
ring steel 1 7/3 412,62 412,22
"""
RUNNER_MARK = (
    "152,100 122,156 164,181 151,230 ; 122,156 97,194 45,198 ; 150,102 188,131 219,107 ; 150,102 104,95 75,130"
)


def cycling(rng: Rng) -> Scene:
    """A cyclist on a country road."""
    lands = HILLS + "318/4 #5c7a32 #96aa54 14/5\n372/0 #707072 #969594 5/6"
    scene = Scene(backdrop(rng, "#70a4d6 #dee8ec", lands), rng)
    scene.defocus(2.6)
    scene.draw("poly #e8e6de 1/0 - 0,454 640,454 640,460 0,460\n~disc black .55/5 190/7 318,442")
    colours = palette(skin="#d8a684", hair="#3a281e", top="#ce3e2c", bottom="#282c3a", shoe="#e8e8ec", helmet="#f0f0f2")
    joints = "389,110 350,142 266,214 375,203 430,226 375,203 430,226 328,291 250,350 328,291 316,388"
    rider = Figure(220, joints, colours, feet=(20, 6), tilt=12)
    rider.limb(scene, leg=False, near=False)
    rider.limb(scene, leg=True, near=False)
    for hub in ((205.0, 366.0), (425.0, 366.0)):
        for angle in range(0, 360, 15):
            scene.draw(f"tube #cdd0d4 1/0 .5 0,{3 if angle % 30 else -3} 71,0", Spot(hub, 1, angle))
    scene.draw(BICYCLE, colours=palette(frame="#1a6a96"))
    rider.trunk(scene)
    scene.draw("tube #46484e 2 3.4 292,376 326,396\ntube #46484e 2 3 314,401 340,401")
    rider.limb(scene, leg=True, near=True)
    rider.limb(scene, leg=False, near=True)
    return scene


def running(rng: Rng) -> Scene:
    """A runner in a park."""
    lands = "316/14 #2c4a24 #7c9a50 26/1\n330/3 #567832 #92ac50 10/5\n392/2 #9e8a70 #c4b296 5/5"
    scene = Scene(backdrop(rng, "#86b4dc #f2eede", lands), rng)
    scene.draw(TREES)
    scene.defocus(3)
    scene.draw("~disc black .5/6 120/7 300,446")
    colours = palette(skin="#96603f", hair="#221a18", top="#168c8c", bottom="#282c3a", shoe="#f0603c")
    joints = "331,103 312,156 296,258 368,216 416,176 252,206 268,268 264,342 176,354 372,300 358,394"
    runner = Figure(212, joints, colours, sleeve=0, trouser=0.25, feet=(62, -12), tilt=2)
    runner.limb(scene, leg=False, near=False)
    runner.limb(scene, leg=True, near=False)
    runner.limb(scene, leg=True, near=True)
    scene.draw("rope hair 4/.5 9/10/8/2 310,98 284,96 262,114 252,142", colours=colours)
    runner.trunk(scene)
    runner.limb(scene, leg=False, near=True)
    return scene


def using_laptop(rng: Rng) -> Scene:
    """A person typing at a desk by a window."""
    scene = Scene(backdrop(rng, "#a8cbe8 #f0f4f4", "150/20 #6c8a5c #b4cc90 30/1\n230/6 #8cac68 #bcd090 20/2"), rng)
    scene.draw(ROOM)
    for i in range(18):
        x, y, tall = 4 + i % 9 * 12.5, 90 + i // 9 * 90, float(rng.uniform(38, 58))
        spine = ("#8a3c34", "#34597a", "#c8a25a", "#4e7358", "#e2d8c4", "#5a4a66")[int(rng.integers(6))]
        scene.draw(f"poly {spine} 2 - {x},{y} {x},{y - tall} {x + 10},{y - tall} {x + 10},{y}")
    scene.defocus(3.2)
    colours = palette(skin="#e2b092", hair="#4a2c1c", top="#3a5c8c", bottom="#2a2e3a", shoe="#28282c")
    joints = "224,134 190,216 168,414 262,338 372,338 226,352 350,352 330,446 330,560 320,452 320,560"
    typist = Figure(345, joints, colours, sleeve=0.9, trouser=1, tilt=9)
    scene.draw(SEAT)
    typist.limb(scene, leg=True, near=True)
    scene.draw(DESK)
    draw_keyboard_and_screen(scene)
    typist.limb(scene, leg=False, near=False)
    scene.draw("disc hair 8/.5 24/22 178,112", colours=colours)
    typist.trunk(scene)
    scene.draw("~tube black .35/8 22/20/12 196,236 232,362 340,362")
    typist.limb(scene, leg=False, near=True)
    fingers = "tube skin 2/.05 5/3.4 14,-3 42,1 ; 14,1 39,6 ; 14,5 36,11 ; 14,9 33,16"
    scene.draw(fingers, Spot((370, 338)), {"skin": shade(colours["skin"], 0.86)})
    scene.draw(fingers, Spot((350, 352)), colours)
    return scene


def draw_keyboard_and_screen(scene: Scene) -> None:
    """Draws what lies on a laptop's two slanted faces."""

    def panel(face: str, colour: str, u: Point, v: Point) -> None:
        origin, right, up = (np.array(p) for p in HERE.place(face))
        corners = ((u[0], v[0]), (u[1], v[0]), (u[1], v[1]), (u[0], v[1]))
        points = np.array([origin + (right - origin) * a + (up - origin) * b for a, b in corners])
        scene.paint([to_points(points)], ImageColor.getrgb(colour), 1, 0)

    for row in np.arange(0.42, 0.9, 0.1):
        for key in np.arange(0.08, 0.9, 0.065):
            panel(DECK, "#34363c", (row, row + 0.078), (key, key + 0.052))
    panel(DECK, "#babdc2", (0.08, 0.36), (0.34, 0.66))
    panel(LID, "#e2eef8", (0.05, 0.95), (0.06, 0.86))
    panel(LID, "#346eaa", (0.05, 0.95), (0.86, 0.95))
    for line in np.arange(0.14, 0.76, 0.09):
        panel(LID, "#8092a6", (0.12, float(scene.rng.uniform(0.5, 0.8))), (line, line + 0.035))


def playing_music(rng: Rng) -> Scene:
    """A guitarist on a small stage."""
    scene = Scene(backdrop(rng, "#2c1a22 #5c3628", clouds=0), rng)
    for x, y, size, glow in rng.uniform((0, 0, 8, 0.12), (WIDTH, 330, 26, 0.5), (34, 4)):
        scene.draw(f"~disc {('#ffbe60', '#ff9650', '#fadca0')[int(rng.integers(3))]} {glow}/2 {size} {x},{y}")
    scene.draw("~disc #ffb46e .35/60 220/200 320,190\n~poly #1e1210 .7/4 - 0,440 640,440 640,480 0,480")
    colours = palette(skin="#dca684", hair="#3e261a", shirt="#3e5c74", denim="#2e3a58")
    scene.draw(GUITARIST, colours=colours)
    scene.draw(BEARDED_FACE, Spot((318, 110), 92, 5), colours)
    guitar = Spot((284, 314), 1, -16)
    scene.draw(f"blob #6e3a1a 4 - {GUITAR_BODY}", guitar)
    scene.draw(f"blob #d6924c 10/.1 - {GUITAR_BODY}", guitar._replace(unit=0.95))
    scene.draw(GUITAR, guitar)
    for x in 262 - 205 * (1 - 0.5 ** (np.arange(13) / 9)):
        scene.draw(f"tube #cec8b4 1/0 .8 {x},-7 {x},7", guitar)
    for i, y in enumerate((-5, -3, -1, 1, 3, 5)):
        scene.draw(f"tube #ece8dc 1/0 .5 -49,{y * 1.5} 262,{y} {276 + i % 3 * 14},{10 if y > 0 else -10}", guitar)
    scene.draw(GUITARIST_ARMS, colours=colours)
    return scene


def draw_horse(scene: Scene) -> None:
    """Draws a walking bay horse."""
    colours = palette(coat="#864c2a")
    scene.draw(HORSE_BACK, colours=colours)
    for i in range(7):
        path = f"192,218 {168 - i},250 {158 + i * 3},300 {152 + i * 5},{356 - i * 4}"
        scene.draw(f"rope #241814*{0.8 + i * 0.1} 3/.4 5/8/8/1 {path}")
    legs = [polygon for path, radii in HORSE_LEGS.items() for polygon in tube(HERE.place(path), radii)]
    scene.paint([smooth(HERE.place(HORSE_BODY)), *legs], colours["coat"], 13)
    scene.draw(HORSE_FRONT, colours=colours)
    for i in range(16):
        x, y = 448 - i * 6.4, 100 + i * 6.6
        scene.draw(f"rope #281b16*{0.9 + i % 3 * 0.15} 3/.4 5/6/1 {x},{y} {x - 6},{y + 16} {x - 2},{y + 36}")
    scene.draw(HORSE_FACE, colours=colours)


def riding_horse(rng: Rng) -> Scene:
    """A rider on a horse in a meadow."""
    lands = HILLS + "322/5 #60803a #aab85c 12/6\n392/3 #4e6c2c #96a64e 6/2"
    scene = Scene(backdrop(rng, "#7cabd2 #ece8dc", lands), rng)
    rails = " ; ".join(f"{x},374 {x},312" for x in range(-10, 700, 90))
    scene.draw(f"tube #d8d2c4 2 3.5 {rails} ; -10,326 650,322 ; -10,346 650,344")
    scene.defocus(2.4)
    scene.draw("~disc black .55/7 170/9 296,432")
    colours = palette(
        skin="#d8a684",
        hair="#3a281e",
        top="#2c3e68",
        bottom="#ded4be",
        shoe="#281c18",
        helmet="#222228",
        sole="#1c1412",
    )
    joints = "310,77 302,113 297,194 344,150 374,168 318,156 368,170 342,236 322,302 344,238 322,306"
    rider = Figure(155, joints, colours, sleeve=1, trouser=0.6, feet=(6, 6), tilt=4)
    draw_horse(scene)
    scene.draw(SADDLE)
    rider.limb(scene, leg=False, near=False)
    rider.trunk(scene)
    rider.limb(scene, leg=True, near=True)
    scene.draw("tube #281c18 4 11/8 340,254 322,306\nring steel 1 9/2 330,312")
    scene.draw("rope #38201a 1 1.6 504,178 450,190 404,182 366,170")
    rider.limb(scene, leg=False, near=True)
    for tone in ("#5c7a30", "#7c9440", "#98a650"):
        roots = rng.uniform((0, 424, -4), (WIDTH, 484, 4), (300, 3))
        blades = (f"{x - 0.8},{y} {x + 0.8},{y} {x + lean},{y - (y - 410) * 0.2}" for x, y, lean in roots)
        scene.draw(f"poly {tone} 1/0 - {' ; '.join(blades)}")
    return scene


def climbing(rng: Rng) -> Scene:
    """A climber on a rope at a cliff, seen from behind."""
    valley = Scene(backdrop(rng, "#70a4d6 #dee8ec", HILLS + "350/10 #46643c #8c9c60 20/3"), rng)
    valley.defocus(4)
    far = np.asarray(valley.image.resize((WIDTH, HEIGHT)), np.float32)
    grain = fractal(rng, 7)
    relief = 60 * np.abs(fractal(rng, 110, 1.6) - 0.5) + 44 * np.abs(fractal(rng, 46, 0.7) - 0.5) + 5 * grain
    light = relief - np.pad(relief, ((2, 0), (2, 0)), "edge")[:HEIGHT, :WIDTH]
    tone = np.clip(1 + 0.16 * light + 0.3 * (grain - 0.5), 0.35, 1.6)
    rock = blend((140, 116, 92), (206, 184, 156), fractal(rng, 150)) * tone[..., None]
    edge = 96 + 60 * fractal(rng, 70)[:, :1] + np.linspace(30, -30, HEIGHT, dtype=np.float32)[:, None]
    scene = Scene(blend(far, rock, np.clip(np.arange(WIDTH, dtype=np.float32) - edge, 0, 1)), rng)
    limbs = {"arms": "322,196 272,150 276,84 ; 382,190 434,166 452,104",
             "legs": "334,300 262,318 282,398 ; 370,300 404,374 394,446"}  # fmt: skip
    colours = palette(skin="#ce9674", shirt="#d25428", trousers="#3e4652", shoe="#28282e")
    scene.draw(CLIMBER_SHADOW.format(**limbs))
    scene.draw(CLIMBER.format(**limbs), colours=colours)
    return scene


def astronaut() -> Image.Image:
    """The photograph, cropped to the scenes' shape."""
    portrait = Image.fromarray(data.astronaut())  # type: ignore[no-untyped-call]
    return portrait.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS, box=(0, 0, 512, 384))


def mark() -> Image.Image:
    """A runner in a rounded square."""
    size = MARK_SIZE * OVERSAMPLING
    image = Image.new("RGBA", (size, size), f"{MARK_COLOUR}00")
    pen = ImageDraw.Draw(image)
    pen.rounded_rectangle((0, 0, size - 1, size - 1), radius=MARK_CORNER * OVERSAMPLING, fill=MARK_COLOUR)
    large = Spot(unit=OVERSAMPLING)
    x, y, radius = MARK_HEAD
    limbs = [part for path in RUNNER_MARK.split(";") for part in tube(large.place(path), [MARK_LIMB * OVERSAMPLING])]
    for polygon in [*limbs, *outline("disc", large.place(f"{x},{y}"), [radius * OVERSAMPLING])]:
        pen.polygon(polygon, fill="white")
    return image.resize((MARK_SIZE, MARK_SIZE), Image.Resampling.LANCZOS)


def mark_svg() -> str:
    """The same as vectors."""
    x, y, radius = MARK_HEAD
    limbs = " ".join(f"M{path.strip().replace(' ', 'L')}" for path in RUNNER_MARK.split(";"))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {MARK_SIZE} {MARK_SIZE}">\n'
        f'<rect width="{MARK_SIZE}" height="{MARK_SIZE}" rx="{MARK_CORNER}" fill="{MARK_COLOUR}"/>\n'
        f'<circle cx="{x}" cy="{y}" r="{radius}" fill="#fff"/>\n'
        f'<path d="{limbs}" fill="none" stroke="#fff" stroke-width="{2 * MARK_LIMB}" stroke-linecap="round" '
        'stroke-linejoin="round"/>\n</svg>\n'
    )


SCENES: tuple[Callable[[Rng], Scene], ...] = (cycling, running, using_laptop, playing_music, riding_horse, climbing)


def main() -> None:
    """Draws everything into the app's assets."""
    (ASSETS / "examples").mkdir(parents=True, exist_ok=True)
    for seed, scene in enumerate(SCENES):
        scene(np.random.default_rng(seed)).save(ASSETS / "examples" / f"{scene.__name__}.jpg")
    astronaut().save(ASSETS / "examples" / "astronaut.jpg", quality=JPEG_QUALITY)
    mark().save(ASSETS / "mark.png")
    (ASSETS / "mark.svg").write_text(mark_svg())


if __name__ == "__main__":
    main()
