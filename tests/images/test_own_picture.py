"""A person's own picture: what is made of it for a generator."""

from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from stages.images.own_picture import Look, folder_name, load_picture, png_writer
from stages.images.picture_file import Window, area_average
from stages.pipeline.errors import UserError
from stages.pipeline.storage import publish

GREY = Look(channels=1, size=4, digits=False)
NEGATIVE = Look(channels=1, size=4, digits=False, ink="dark")
COLOURS = Look(channels=3, size=4, digits=False)
CORNERS = np.kron([[0, 51], [102, 255]], np.ones((2, 2))).astype(np.uint8)  # (4, 4)


@pytest.fixture
def save(tmp_path):
    """Write pixels, or an image, to a file; give its path."""

    def write(pixels, name="picture.png", **options):
        image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
        image.save(tmp_path / name, **options)
        return tmp_path / name

    return write


# Averages.


def test_average_of_whole_blocks_is_their_mean():
    pixels = np.arange(64).reshape(8, 8)
    np.testing.assert_allclose(area_average(pixels, 4), pixels.reshape(4, 2, 4, 2).mean(axis=(1, 3)))


def test_average_shares_a_pixel_out_by_area():
    pixels = np.array([[3, 6, 9]] * 3)
    np.testing.assert_allclose(area_average(pixels, 2), [[4, 8]] * 2)  # (3 + 6 / 2) / 1.5, (6 / 2 + 9) / 1.5


@pytest.mark.parametrize("side", [1, 5, 28, 31, 640])
def test_average_keeps_the_mean_and_a_constant(side):
    pixels = np.random.default_rng(0).random((side, side))
    np.testing.assert_allclose(area_average(pixels, 28).mean(), pixels.mean())
    np.testing.assert_allclose(area_average(np.ones((side, side), dtype=bool), 28), 1)


def test_average_puts_the_shorter_side_in_the_middle():
    wide = np.ones((2, 4))
    np.testing.assert_allclose(area_average(wide, 4), [[0] * 4, [1] * 4, [1] * 4, [0] * 4])
    np.testing.assert_allclose(area_average(wide.T, 4), area_average(wide, 4).T)


# Pictures.


def test_a_picture_of_the_right_kind_is_taken_as_it_is(save):
    path = save(CORNERS)
    picture = load_picture(path, GREY)
    np.testing.assert_array_equal(picture.levels[0], CORNERS.astype(np.float32) / 255)
    assert picture.levels.dtype == np.float32 and picture.known.all() and picture.sigma == 0
    assert picture.notes == [f"{path}: 4x4 grey -> 4x4 grey: as it is"]


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.fromarray(CORNERS).convert("RGB"), "RGB"),
        (Image.fromarray(CORNERS).convert("RGBA"), "RGBA"),
        (Image.fromarray(CORNERS).convert("LA"), "transparent grey"),
        (Image.fromarray(CORNERS).convert("P"), "palette"),
        (Image.fromarray(CORNERS.astype(np.uint16) * 257), "16-bit grey"),
    ],
)
def test_pictures_of_every_kind_become_grey(save, image, kind):
    path = save(image)
    picture = load_picture(path, GREY)
    np.testing.assert_allclose(picture.levels[0], CORNERS / 255, atol=1e-6)
    assert picture.notes == [f"{path}: 4x4 {kind} -> 4x4 grey: as it is"]


def test_one_bit_pictures_and_colours(save):
    one_bit = load_picture(save(Image.fromarray(CORNERS > 60)), GREY)
    np.testing.assert_array_equal(one_bit.levels[0], CORNERS > 60)
    colours = np.dstack([CORNERS, CORNERS // 2, CORNERS * 0])
    coloured = load_picture(save(colours), COLOURS)
    np.testing.assert_allclose(coloured.levels, colours.transpose(2, 0, 1) / 255, rtol=1e-6)
    grey = load_picture(save(CORNERS), COLOURS)
    np.testing.assert_allclose(grey.levels, np.tile(CORNERS / 255, (3, 1, 1)), rtol=1e-6)


def test_float_pictures_keep_what_lies_beyond_black_and_white(save):
    noisy = np.array([[-0.5, 0.0], [1.0, 1.5]], dtype=np.float32)
    two = Look(channels=1, size=2, digits=False)
    np.testing.assert_array_equal(load_picture(save(noisy, "noisy.tif"), two).levels[0], noisy)


def test_transparent_pixels_are_background(save):
    pixels = np.full((4, 4, 4), 128, dtype=np.uint8)
    pixels[..., 3] = np.kron([[0, 255], [255, 255]], np.ones((2, 2)))
    for look, word in ((GREY, "black"), (NEGATIVE, "white")):
        picture = load_picture(save(pixels), look)
        assert (picture.levels[0, :2, :2] == 0).all() and (picture.levels[0, 2:] > 0.4).all()
        assert picture.known.all() and f"{word} where it is transparent" in picture.notes[0]


def test_a_large_picture_is_padded_averaged_and_inverted(save):
    path = save(np.full((60, 80, 3), 255, dtype=np.uint8))
    picture = load_picture(path, NEGATIVE)
    np.testing.assert_array_equal(picture.levels, 0)
    # 10 rows of padding reach half way into the outer rows of 20: these are not known.
    np.testing.assert_array_equal(picture.known[0].all(axis=1), [False, True, True, False])
    assert picture.notes == [
        f"{path}: 80x60 RGB -> 4x4 grey: padded to 80x80, what lies in the padding counts as missing; "
        "turned to its negative; each pixel the average of 20x20"
    ]


def test_a_small_picture_is_enlarged(save):
    picture = load_picture(save(CORNERS[1:3, 1:3]), GREY)
    np.testing.assert_allclose(picture.levels[0], CORNERS / 255, rtol=1e-6)
    assert "enlarged 2 times" in picture.notes[0]


def test_the_first_frame_upright(save):
    orientation = Image.Exif()
    orientation[ExifTags.Base.Orientation] = 6  # turn it by 90 degrees clockwise
    turned = load_picture(save(CORNERS, exif=orientation), GREY)
    np.testing.assert_allclose(turned.levels[0], np.rot90(CORNERS, -1) / 255, rtol=1e-6)
    assert "turned upright as its EXIF data says" in turned.notes[0]
    frames = [Image.fromarray(CORNERS), Image.fromarray(255 - CORNERS)]
    first = load_picture(save(frames[0], "film.gif", save_all=True, append_images=frames[1:]), GREY)
    np.testing.assert_allclose(first.levels[0], CORNERS / 255, rtol=1e-6)
    assert "the first of 2 frames" in first.notes[0]


def test_a_pixel_is_known_where_all_of_its_area_is(save):
    mask = np.full((80, 80), 255, dtype=np.uint8)
    mask[20:40, 20:40] = 0  # just the second pixel of the second row
    mask[79, 79] = 0  # a speck of the last one
    mask[0, 0] = 128  # grey is not white
    picture = load_picture(save(np.full((80, 80), 255, np.uint8)), GREY, mask=save(mask, "mask.png"))
    expected = np.ones((4, 4), dtype=bool)
    expected[1, 1] = expected[3, 3] = expected[0, 0] = False
    np.testing.assert_array_equal(picture.known[0], expected)
    np.testing.assert_array_equal(picture.levels[0], expected)
    assert "1 grey pixels count as missing; 94% is white, which is known" in picture.notes[1]


def test_hidden_pixels_never_matter(save):
    mask = np.full((50, 50), 255, dtype=np.uint8)
    mask[13:31, 7:22] = 0
    pixels = np.random.default_rng(0).integers(0, 256, (2, 50, 50), dtype=np.uint8)
    pixels[1] = np.where(mask, pixels[0], pixels[1])
    levels = [load_picture(save(side), GREY, mask=save(mask, "mask.png")).levels for side in pixels]
    np.testing.assert_array_equal(*levels)


@pytest.mark.parametrize(("shape", "side"), [((40, 40), 4), ((30, 50), 4), ((3, 3), 4), ((37, 23), 5)])
def test_sigma_is_that_of_what_the_noise_becomes(save, shape, side):
    noise = np.random.default_rng(0).standard_normal((200, *shape)).astype(np.float32)
    window = Window.around(shape)
    inside = area_average(np.ones(shape), side, window) > 1 - 1e-6
    measured = np.stack([area_average(draw, side, window) for draw in noise])[:, inside]
    np.testing.assert_allclose(window.noise_share(shape, side), np.sqrt(np.square(measured).mean()), rtol=0.05)


def test_what_noise_becomes_is_said(save):
    path = save(np.full((40, 40), 100, dtype=np.uint8))
    picture = load_picture(path, GREY, sigma=0.4)
    np.testing.assert_allclose(picture.sigma, 0.04)  # 10x10 pixels in each
    assert picture.notes[1] == "sigma 0.4 of the file, independent from pixel to pixel, is 0.04 after this"
    assert load_picture(path, GREY, sigma=0.001).sigma == 0.001  # below which no search can tell it from none
    own = load_picture(save(CORNERS), GREY, sigma=0.4)
    assert own.sigma == 0.4 and len(own.notes) == 1


def test_saved_images_come_back(tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (3, 4, 4)) / 255
    for levels in (colours, colours[:1]):
        publish({tmp_path / "levels.png": png_writer(levels)})
        np.testing.assert_allclose(
            load_picture(tmp_path / "levels.png", Look(len(levels), 4, digits=False)).levels, levels
        )


@pytest.mark.parametrize(
    ("image", "name", "words"),
    [
        (Image.new("I", (4, 4)), "whole.tif", "32-bit whole numbers"),
        (Image.new("LAB", (4, 4)), "lab.tif", "LAB colours; save it as grey or RGB"),
        (np.full((4, 4), np.nan, dtype=np.float32), "nan.tif", "has values that are not finite"),
        (np.zeros((1, 40), dtype=np.uint8), "line.png", "nothing is known"),
        (Image.new("L", (11, 10)), "huge.png", "allowed are at most 100 pixels"),
        (Image.new("L", (21, 10)), "vast.png", "allowed are at most 100 pixels"),
    ],
)
def test_pictures_that_cannot_be_used_are_named(save, monkeypatch, image, name, words):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    path = save(image, name)
    with pytest.raises(UserError, match=words) as raised:
        load_picture(path, GREY)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("kept", [10, 60])
def test_damaged_files_are_named(save, kept):
    path = save(np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(UserError, match=r"not (readable as )?a picture"):
        load_picture(path, GREY)


@pytest.mark.parametrize(
    ("picture", "name"),
    [
        ("photo.png", "photo"),
        ("a/b/ok.tar.png", "ok.tar"),
        ("Ziffer ä 7.png", "Ziffer_ä_7"),
        ("..png", "picture"),
        (".png", "png"),
        ("....", "picture"),
        (".hidden.png", "hidden"),
        ("~.png", "picture"),
        ("-rf.png", "rf"),
        ("a\nb\x1b[2J.png", "a_b_2J"),
        ("\u202egnp.exe.png", "gnp.exe"),
        ("x" * 250 + ".png", "x" * 60),
        ("\udcff.png", "picture"),
    ],
)
def test_a_folder_is_named_by_letters_and_digits(picture, name):
    assert folder_name(Path(picture)) == Path("restored", name)
