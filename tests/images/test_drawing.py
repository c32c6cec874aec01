"""A photographed drawing becomes the digit that it shows, wherever it lies, however it is lit, in whatever ink."""

import gzip
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import binary_dilation

from stages.images.own_picture import Look, Picture, load_picture
from stages.pipeline.errors import UserError
from tests.project import ROOT

LOOK = Look(channels=1, size=28, digits=True)
PIXELS = gzip.decompress((ROOT / "data/raw/t10k-images-idx3-ubyte.gz").read_bytes())[16:]
DIGITS = SEVEN, TWO, ONE, NOUGHT, FOUR = np.frombuffer(PIXELS, dtype=np.uint8)[: 5 * 784].reshape(5, 28, 28) / 255


def photo(
    digit: np.ndarray = TWO,
    *,
    scale: int = 5,
    shape: tuple[int, int] = (350, 500),
    at: tuple[int, int] = (125, 200),
    lit: float = 0.0,
    texture: float = 0.0,
    paper: float = 0.75,
    ink: float = 0.2,
) -> np.ndarray:
    """Levels (H, W) of a digit, enlarged, in ink of one level on paper of another, which is lit from one side."""
    share = np.zeros(shape)
    own = digit.repeat(scale, axis=0).repeat(scale, axis=1)
    share[at[0] : at[0] + len(own), at[1] : at[1] + len(own)] = own
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    sheet = paper + lit * (x + 0.5 * y - 0.5 * x * x)
    return sheet * (1 - share) + ink * share + texture * np.random.default_rng(0).standard_normal(shape)


@pytest.fixture
def load(tmp_path):
    """What is made of levels (H, W), as a picture of 8 bits."""

    def convert(levels: np.ndarray, look: Look = LOOK, sigma: float = 0.0, hidden: np.ndarray | None = None) -> Picture:
        Image.fromarray((levels.clip(0, 1) * 255).round().astype(np.uint8)).save(tmp_path / "photo.png")
        mask = None
        if hidden is not None:
            mask = tmp_path / "mask.png"
            Image.fromarray(np.where(hidden, 0, 255).astype(np.uint8)).save(mask)
        return load_picture(tmp_path / "photo.png", look, sigma, mask)

    return convert


def distance(picture: Picture, digit: np.ndarray = TWO) -> float:
    """The root mean square difference, where it is known."""
    return float(np.sqrt(np.square(picture.levels[0] - digit)[picture.known[0]].mean()))


@pytest.mark.parametrize("digit", DIGITS)
def test_each_digit_comes_back(load, digit):
    picture = load(photo(digit, texture=0.02))
    assert distance(picture, digit) < 0.14  # MNIST's own middles are whole pixels: up to half of one is between them
    np.testing.assert_allclose(picture.levels.mean(), digit.mean(), rtol=0.25)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"at": (5, 350)},
        {"scale": 3},
        {"scale": 10, "at": (25, 50)},
        {"paper": 0.6, "ink": 0.35},
        {"paper": 0.3, "ink": 0.9},  # chalk
        {"lit": 0.15},
        {"texture": 0.03},
        {"paper": 0.75, "lit": -0.12, "texture": 0.02, "at": (190, 15)},
        {"shape": (700, 300), "at": (10, 150)},
    ],
)
def test_a_photo_becomes_its_digit(load, changes):
    picture = load(photo(**changes))
    assert distance(picture) < 0.11
    assert picture.known.all() and picture.dark == (changes.get("ink", 0.2) < changes.get("paper", 0.75))
    assert picture.levels.min() == 0 and picture.levels.max() <= 1
    assert "framed as MNIST frames digits" in picture.notes[0] and "contrast times" in picture.notes[0]


def test_ink_of_either_colour_is_the_same(load):
    levels = photo(texture=0.01)
    np.testing.assert_allclose(load(levels).levels, load(1 - levels).levels, atol=0.02)


def test_dirt_and_a_shadow_over_the_edge_change_little(load):
    levels = photo()
    dirty = levels.copy()
    dirty[30:33, 30:33] = 0.2
    dirty[:, 495:] = 0.1
    assert distance(load(dirty), load(levels).levels[0]) < 0.06


def test_a_hole_keeps_its_place(load):
    levels = photo()
    hidden = np.zeros(levels.shape, dtype=bool)
    hidden[175:215, 250:290] = True  # its middle
    picture = load(np.where(hidden, 1, levels), hidden=hidden)
    assert set(range(10, 18)) <= set(np.flatnonzero(~picture.known[0].all(axis=1))) <= set(range(9, 19))
    assert distance(picture) < 0.11 and (picture.levels[0][~picture.known[0]] == 0).all()


@pytest.mark.parametrize("digit", DIGITS)
def test_a_photo_whose_ink_is_scratched_all_over_is_refused(load, digit):
    """Then hardly a pixel with ink is wholly known, and there is no contrast to go by."""
    levels = photo(digit)
    rows, columns = np.nonzero(levels < 0.6)
    scratched = np.zeros(levels.shape, dtype=bool)
    scratched[rows.min() - 3 : rows.max() + 4 : 3, columns.min() - 3 : columns.max() + 4] = True
    with pytest.raises(UserError, match=r"photo\.png, as far .* hardly any ink is left to go by; --as-is"):
        load(levels, hidden=scratched)
    assert load(levels, replace(LOOK, digits=False, ink="dark"), hidden=scratched).known.any()


@pytest.mark.parametrize("scale", [1, 4, 10])
def test_a_picture_that_is_a_frame_already_is_taken_as_it_is(load, scale):
    levels = TWO.repeat(scale, axis=0).repeat(scale, axis=1)
    for given, dark in ((levels, False), (1 - levels, True)):
        picture = load(given)
        np.testing.assert_allclose(picture.levels[0], TWO, atol=1 / 255)
        assert picture.dark == dark and "contrast" not in picture.notes[0] and "framed" not in picture.notes[0]


@pytest.mark.parametrize("sigma", [0.3, 0.5, 1.0])
def test_noise_is_no_ink(load, sigma):
    noise = sigma * np.random.default_rng(0).standard_normal(TWO.shape)
    for levels, dark in ((TWO, False), (1 - TWO, True)):
        picture = load(levels + noise, sigma=sigma)
        assert picture.dark == dark and picture.sigma == sigma
        np.testing.assert_allclose(picture.levels[0], abs(dark - (levels + noise).clip(0, 1)), atol=1 / 255)


def test_a_noisy_photo_of_low_contrast(load):
    levels = photo(paper=0.7, ink=0.3, texture=0.05)
    picture = load(levels, sigma=0.05)
    assert distance(picture) < 0.11
    np.testing.assert_allclose(picture.sigma, 0.05 / 5 / 0.4, rtol=0.1)  # 5x5 pixels, contrast 0.4 to 1
    assert picture.levels.min() < 0  # noise is not clipped
    paper = picture.levels[0][~binary_dilation(TWO > 0, iterations=2)]
    np.testing.assert_allclose(paper.std(), picture.sigma, rtol=0.15)


@pytest.mark.parametrize("reach", ["one edge", "all edges"])
def test_a_drawing_that_reaches_the_edge_is_still_a_drawing(load, reach):
    levels = np.full((300, 200), 0.9)
    levels[:230, 90:110] = 0.1  # a one whose top touches the frame
    if reach == "all edges":
        levels[230:, 90:110] = levels[140:160] = 0.1
    picture = load(levels)
    assert picture.dark and picture.levels[0, 14, 14] > 0.8 and picture.levels[0, 5, 2] < 0.1


def test_a_blank_picture_is_named_and_not_only_its_mask(load):
    blank = np.full((300, 200), 0.9)
    with pytest.raises(UserError, match=r"photo\.png, as far as \S*mask\.png shows it: nothing is drawn on it"):
        load(blank, hidden=np.arange(200) < 50 + np.zeros((300, 1)))


def test_what_is_found_can_be_overridden(load):
    levels = photo()
    wrong = load(levels, Look(1, 28, digits=True, ink="dark"))
    np.testing.assert_array_equal(wrong.levels, load(levels).levels)
    as_is = load(levels, Look(1, 28, digits=False))
    assert not as_is.dark and not as_is.known.all() and as_is.levels.max() == np.float32(191 / 255)


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (np.full((300, 400), 0.7), "nothing is drawn on it: ink and paper differ by 0.00"),
        (photo(np.zeros((28, 28)), lit=0.15, texture=0.03), "nothing is drawn on it: ink and paper differ by 0.0"),
        (np.tile(photo(scale=3, shape=(90, 90), at=(3, 3)), (4, 4)), "falls into 16 pieces"),
        (np.random.default_rng(0).random((200, 300)), "falls into"),
        (np.pad(np.zeros((200, 200)), 100, constant_values=1), "51% of its frame is ink"),
    ],
)
def test_what_is_no_digit_is_refused(load, levels, words):
    with pytest.raises(UserError, match=words):
        load(levels)
