"""The emoji of three npm packages -> one .npy (N, 64, 64, 3), uint8, as CelebA64 comes: see README.

    python -m stages.images.emoji FOLDER emoji.npy

FOLDER has a folder for each of SETS, with what `npm pack emoji-datasource-<set>@16.0.0` holds of `img/<set>/64`.
Pictures are put on white. Emoji come in a random order that is the same every time; all sets and all skin tones of one
emoji stand together, so that a split in order keeps such near-copies on one side.
"""

import re
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from stages.pipeline.command import say
from stages.pipeline.errors import UserError
from stages.pipeline.numerics.streams import numpy_stream
from stages.pipeline.storage import publish

SETS = ("twitter", "apple", "facebook")
SKIN_TONES = re.compile(r"-1f3f[b-f]")  # Unicode's modifiers, in file names
SIZE = 64


def pack(folder: Path) -> np.ndarray:
    """Images (N, 64, 64, 3). Raises UserError where a set has no pictures or one is of another size."""
    found: dict[str, list[Path]] = {}
    for name in SETS:
        paths = sorted(folder.glob(f"{name}/package/img/{name}/{SIZE}/*.png"))
        if not paths:
            raise UserError(f"{folder / name}: no package/img/{name}/{SIZE}/*.png in it")
        for path in paths:
            found.setdefault(SKIN_TONES.sub("", path.stem), []).append(path)
    emoji = sorted(found)
    order = numpy_stream(0, "order of emoji").permutation(len(emoji))
    counts = np.array([len(found[emoji[place]]) for place in order])
    for last in (len(emoji) // 5, len(emoji) // 10):
        say(f"the last {counts[-last:].sum()} pictures are those of the last {last} emoji")
    return np.stack([_on_white(path) for place in order for path in found[emoji[place]]])


def _on_white(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        picture = file.convert("RGBA")
    if picture.size != (SIZE, SIZE):
        raise UserError(f"{path}: {picture.width}x{picture.height} pixels: allowed is {SIZE}x{SIZE}")
    backdrop = Image.new("RGBA", picture.size, "white")
    backdrop.alpha_composite(picture)
    return np.asarray(backdrop.convert("RGB"))


def main() -> None:
    if len(sys.argv) != 3:
        raise UserError("usage: python -m stages.images.emoji FOLDER FILE.npy")
    images = pack(Path(sys.argv[1]))
    publish({Path(sys.argv[2]): lambda file: np.save(file, images, allow_pickle=False)})
    say(f"{sys.argv[2]}: {images.shape}")


if __name__ == "__main__":
    try:
        main()
    except UserError as error:
        sys.exit(str(error))
