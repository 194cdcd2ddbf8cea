"""Series of three classes: waves of a period of 16 steps that begin anywhere, 40 WAV files of 512 steps each.

    python3 bench/reference/waves.py FOLDER

Amplitudes are U(0.4, 0.9), with normal noise of deviation 0.05 beside them. Needs numpy.
"""

import sys
import wave
from pathlib import Path

import numpy as np

PERIOD, STEPS, FILES = 16, 512, 40
WAVES = {
    "sine": lambda p: np.sin(2 * np.pi * p),
    "square": lambda p: np.where(p % 1 < 0.5, 1, -1),
    "saw": lambda p: 2 * ((p + 0.5) % 1) - 1,
}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    random = np.random.default_rng(0)
    for name, shape in WAVES.items():
        folder = Path(sys.argv[1], name)
        folder.mkdir(parents=True, exist_ok=True)
        for i in range(FILES):
            loud, phase = random.uniform(0.4, 0.9), random.uniform()
            clean = loud * shape((np.arange(STEPS) + 0.5) / PERIOD + phase)
            x = clean + 0.05 * random.standard_normal(STEPS)
            with wave.open(str(folder / f"{i:02}.wav"), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(8000)
                file.writeframes((np.clip(x, -1, 1) * 32767).astype("<i2").tobytes())


if __name__ == "__main__":
    main()
