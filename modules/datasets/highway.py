"""Scenes of a simulated highway, one JSON line each: what three sensors of a car see, and what comes of it.

Runs in an environment of its own, with highway-env, and knows nothing of the project; `modules.datasets.driving` starts
it. The car keeps its lane and speed until it runs into another one or the episode is over, so that what comes of a
moment is what happened and no guess. The camera's picture is drawn here, in perspective, from where the others are:
highway-env itself draws the road from above, as no camera in a car sees it.

    python highway.py SEED FIRST LAST    # episodes FIRST to LAST - 1
"""

from __future__ import annotations

import base64
import json
import os
import sys
from typing import Any

WIDTH, HEIGHT = 96, 48  # of the picture, in pixels
CELLS, RANGE = 32, 60.0  # of the LiDAR, all around; metres
HORIZON = 4.0  # seconds within which an accident counts
LANES, LANE = 3, 4.0  # metres a lane
_RATE = 5  # steps of the simulation a second
_LONGEST = 10.0  # seconds of an episode in which moments are taken
_SPEEDS = (25.0, 40.0)  # m/s that the car drives; the others take 15 to 25
_EVERY = 3  # steps from one moment to the next
_FOCAL = WIDTH / 2 / 0.577  # pixels: 60 degrees from left to right
_EYE, _TALL = 1.4, 1.5  # metres above the road: the camera, the roof of a car
_NEAREST, _FURTHEST = 2.0, 120.0  # metres ahead that are drawn
_TRAFFIC = {
    "observation": {"type": "Kinematics"},
    "action": {"type": "DiscreteMetaAction"},
    "lanes_count": LANES,
    "vehicles_count": 12,
    "ego_spacing": 2,
    "simulation_frequency": _RATE,
    "policy_frequency": _RATE,
    "duration": _LONGEST + HORIZON,
}


def picture(others: list[tuple[float, float, float, float]], lane_offset: float, light: float, noise: Any) -> bytes:
    """What a camera behind the windscreen sees.

    Args:
        others: of each other car the distance ahead of its tail, how far its middle is to the right, its width in
            metres, and how dark it is, 0 to 1.
        lane_offset: metres from the left edge of the road to the camera.
        light: how bright the day is, 0 to 1.
        noise: float array `[HEIGHT, WIDTH]`, added to the brightness of 0 to 255.

    Returns:
        `HEIGHT` times `WIDTH` bytes, row by row, 0 is black.
    """
    import numpy as np
    from PIL import Image, ImageDraw

    middle, horizon = WIDTH / 2, HEIGHT * 0.4

    def seen(ahead: float, right: float, up: float) -> tuple[float, float]:
        return middle + _FOCAL * right / ahead, horizon + _FOCAL * (_EYE - up) / ahead

    image = Image.new("L", (WIDTH, HEIGHT), 200)
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, int(horizon), WIDTH, HEIGHT), fill=120)
    edges = (-lane_offset, LANES * LANE - lane_offset)
    draw.polygon([seen(far, side, 0) for far, side in zip((_NEAREST, _FURTHEST, _FURTHEST, _NEAREST),
                  (edges[0], edges[0], edges[1], edges[1]), strict=True)], fill=80)  # fmt: skip
    for number in range(LANES + 1):
        side = number * LANE - lane_offset
        draw.line([seen(_NEAREST, side, 0), seen(_FURTHEST, side, 0)], fill=235)
    for ahead, right, width, dark in sorted(others, reverse=True):  # the nearest is drawn last
        if _NEAREST < ahead < _FURTHEST:
            left, top = seen(ahead, right - width / 2, _TALL)
            across, bottom = seen(ahead, right + width / 2, 0)
            draw.rectangle((left, top, across, bottom), fill=int(60 * (1 - dark)))
            draw.rectangle((left, top, across, (top + bottom) / 2), fill=int(60 + 90 * (1 - dark)))
    pixels = np.asarray(image, np.float64) * light + noise
    return bytes(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))


def _moment(env: Any, lidar: Any, shades: dict[int, float], light: float, chance: Any) -> dict[str, Any]:
    """The sensors now: `photo` in base64, `lidar` with distance and relative speed of each cell, `speed` in m/s."""
    car = env.vehicle
    ahead = [
        (float(other.position[0] - car.position[0] - other.LENGTH / 2 - car.LENGTH / 2),
         float(other.position[1] - car.position[1]), float(other.WIDTH), shades[id(other)])
        for other in env.road.vehicles if other is not car
    ]  # fmt: skip
    noise = chance.normal(0, 4, (HEIGHT, WIDTH))
    shot = picture(ahead, float(car.position[1]) + LANE / 2, light, noise)
    echoes = lidar.trace(car.position, car.velocity).astype(float)
    cells = [[round(near, 1), 0.0 if near >= RANGE else round(speed, 1)] for near, speed in echoes.tolist()]
    return {"photo": base64.b64encode(shot).decode("ascii"), "lidar": cells, "speed": round(float(car.speed), 1)}


def episode(env: Any, lidar: Any, seed: int, number: int) -> list[dict[str, Any]]:
    """The moments of an episode whose next `HORIZON` seconds are known.

    Args:
        env: highway-env's highway, unwrapped.
        lidar: its LiDAR.
        seed: of all episodes.
        number: of this one.

    Returns:
        What the sensors see, with `label`, `crash` or `clear`, and `episode`.
    """
    import numpy as np

    chance = np.random.default_rng((seed, number))
    env.reset(seed=int(chance.integers(2**31)))
    car = env.vehicle
    car.speed = car.target_speed = float(chance.uniform(*_SPEEDS))
    light = float(chance.uniform(0.45, 1))
    shades = {id(other): float(chance.uniform(0, 1)) for other in env.road.vehicles}
    moments: list[tuple[int, dict[str, Any]]] = []
    first, crashed = int(chance.integers(_EVERY)), None
    for step in range(int((_LONGEST + HORIZON) * _RATE)):
        if step % _EVERY == first and step < _LONGEST * _RATE:
            moments.append((step, _moment(env, lidar, shades, light, chance)))
        env.road.act()  # not `env.step`, which would choose one of the highway's few speeds
        env.road.step(1 / _RATE)
        if car.crashed:
            crashed = step
            break
    until = step if crashed is None else crashed + int(HORIZON * _RATE)
    return [
        {"episode": f"{seed}-{number}", **found,
         "label": "crash" if crashed is not None and crashed - at < HORIZON * _RATE else "clear"}
        for at, found in moments if at + HORIZON * _RATE <= until + 1
    ]  # fmt: skip


def main(words: list[str]) -> None:
    """Writes the moments of some episodes to standard output."""
    os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
    import gymnasium
    import highway_env
    from highway_env.envs.common.observation import LidarObservation

    seed, first, last = map(int, words)
    gymnasium.register_envs(highway_env)
    env = gymnasium.make("highway-v0", config=_TRAFFIC).unwrapped
    lidar = LidarObservation(env, cells=CELLS, maximum_range=RANGE, normalize=False)
    for number in range(first, last):
        for found in episode(env, lidar, seed, number):
            sys.stdout.write(f"{json.dumps(found)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
