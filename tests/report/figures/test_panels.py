"""Figures of pictures: each picture in its place, grey and colour alike."""

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stages.report.figures.completions import completion_panels
from stages.report.figures.inversion import inversion_panels
from stages.report.figures.samples import sample_grids
from stages.report.figures.tasks import condition_panels
from stages.report.shades import HIDDEN
from stages.report.study import Seen
from stages.report.style import PALETTE, tile
from stages.restoration.restored import Restored
from tests.drawn import blank_axes
from tests.observations import observe, window

PRIORS = ["minimax", "least_squares"]
EACH = 5  # images under a condition
SIDE = 8


def pictures(count: int, channels: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((count, channels, SIDE, SIDE), dtype=np.float32)


def restored(name: str, conditions: list, methods: list[str], channels: int) -> dict[str, Seen]:
    """What each prior made of images whose upper half is hidden, unless they are inverted."""
    count = EACH * len(conditions)
    truth = pictures(count, channels, seed=100)
    mask = None if name == "source" else window(truth, slice(4))
    observed = observe(truth, np.repeat(conditions, EACH), name, mask=mask)
    found = {}
    for number, prior in enumerate(PRIORS):
        images = {method: pictures(count, channels, 10 * number + place) for place, method in enumerate(methods)}
        chains = [pictures(count, channels, 200 + chain) for chain in range(3)]
        spread = {
            "posterior_std": pictures(count, channels, 300) / 2,
            "completions": (np.stack(chains, axis=1) * 255).astype(np.uint8),
            "chain_weights": np.tile(np.float32([0.5, 0.3, 0.2]), (count, 1)),
        }
        found[prior] = Seen(observed, Restored(images, spread=spread))
    return found


def grid(figure: Figure, columns: int) -> np.ndarray:
    """The axes of a figure by row and column."""
    return np.array(figure.axes).reshape(-1, columns)


def shown(axes: Axes) -> np.ndarray:
    """The one picture of these axes, (H, W, 1 or 3)."""
    (image,) = axes.images
    picture = np.asarray(image.get_array())
    return picture if picture.ndim == 3 else picture[..., None]


def row_of(images: np.ndarray) -> np.ndarray:
    return tile(images, columns=len(images))


@pytest.mark.parametrize("channels", [1, 3])
def test_inversion_shows_images_what_was_found_and_the_difference(channels):
    inverted = restored("source", ["generated", "train", "test"], ["plain", "whitened"], channels)
    figure = inversion_panels(inverted, each=4)
    axes = grid(figure, columns=3)
    assert [panel.get_title() for panel in axes[0]] == ["generated images", "train images", "test images"]
    labels = ["image", "G(z*)\nminimax", "difference", "image", "G(z*)\nleast squares", "difference"]
    assert [row[0].get_ylabel() for row in axes] == labels
    for number, seen in enumerate(inverted.values()):
        for column in range(3):
            picked = slice(column * EACH, column * EACH + 4)
            images, found = seen.observed.images[picked], seen.restored.images["whitened"][picked]
            difference = 0.5 + (found - images) / 2 if channels == 3 else found - images
            for panel, expected in zip(axes[3 * number :, column], (images, found, difference), strict=False):
                np.testing.assert_array_equal(shown(panel), row_of(expected))
    assert blank_axes(figure) == []


def test_differences_of_grey_images_have_a_sign():
    axes = grid(inversion_panels(restored("source", ["train"], ["whitened"], 1)), columns=1)
    for panel, limits in zip(axes[:3, 0], [(0, 1), (0, 1), (-1, 1)], strict=True):
        assert panel.images[0].get_clim() == limits
    assert axes[2, 0].images[0].get_cmap().name == "RdBu_r"


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("name", "conditions"), [("sigma", [0.0, 0.5]), ("holes", [1, 2, 3])])
def test_tasks_show_each_method_of_each_prior_under_each_condition(channels, name, conditions):
    methods = ["plain", "map", "posterior_mean"]
    seen = restored(name, conditions, methods, channels)
    figure = condition_panels(seen, each=2)
    axes = grid(figure, columns=len(conditions))
    assert [panel.get_title() for panel in axes[0]] == [f"{name} {condition}" for condition in conditions]
    names = [f"{method}, {prior}" for prior in ("minimax", "least squares") for method in methods]
    assert [row[0].get_ylabel() for row in axes] == ["original", "observed", *names]
    colours = [row[0].yaxis.label.get_color() for row in axes]
    assert colours == ["black"] * 2 + [PALETTE[0]] * 3 + [PALETTE[1]] * 3
    observed = seen["minimax"].observed
    rows = [observed.images, np.where(observed.observation.mask, observed.observation.y, HIDDEN)]
    rows += [seen[prior].restored.images[method] for prior in PRIORS for method in methods]
    for panels, images in zip(axes, rows, strict=True):
        for column, panel in enumerate(panels):
            np.testing.assert_array_equal(shown(panel), row_of(images[column * EACH : column * EACH + 2]))
    assert blank_axes(figure) == []


def test_no_more_images_are_shown_than_there_are():
    axes = grid(condition_panels(restored("sigma", [0.5], ["map"], 1), each=99), columns=1)
    assert shown(axes[0, 0]).shape == (SIDE, EACH * SIDE, 1)
    axes = grid(inversion_panels(restored("source", ["train"], ["whitened"], 1), each=99), columns=1)
    assert shown(axes[0, 0]).shape == (SIDE, EACH * SIDE, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_completions_show_the_mean_the_spread_and_the_chains_of_the_last_condition(channels):
    seen = restored("holes", [1, 2], ["map", "posterior_mean"], channels)["minimax"]
    figure = completion_panels("non_saturating", seen, each=3)
    axes = grid(figure, columns=7)
    titles = ["original", "observed", "posterior mean", "standard deviation", "chain 1", "chain 2", "chain 3"]
    assert [panel.get_title() for panel in axes[0]] == titles
    assert len(axes) == 3
    observed, spread = seen.observed, seen.restored.spread
    columns = [observed.images, np.where(observed.observation.mask, observed.observation.y, HIDDEN)]
    # What is uncertain is grey, whatever the channels: the root mean square.
    uncertain = np.sqrt(np.square(spread["posterior_std"]).mean(axis=1, keepdims=True)) / 0.5
    columns += [seen.restored.images["posterior_mean"], uncertain]
    columns += [spread["completions"][:, chain] / 255 for chain in range(3)]
    for index, panels in enumerate(axes):
        for panel, images in zip(panels, columns, strict=True):
            np.testing.assert_allclose(shown(panel), images[EACH + index].transpose(1, 2, 0), rtol=1e-6)
        assert [panel.get_xlabel() for panel in panels] == ["", "", "", "", "50%", "30%", "20%"]
    assert figure.get_suptitle() == "non-saturating, holes 2; white: a standard deviation of 0.5"
    assert blank_axes(figure) == []


def test_completions_show_a_few_of_many_chains():
    seen = restored("holes", [1], ["posterior_mean"], 1)["minimax"]
    figure = completion_panels("minimax", seen, each=2, draws=2)
    assert [panel.get_title() for panel in grid(figure, columns=6)[0]][4:] == ["chain 1", "chain 2"]


@pytest.mark.parametrize("channels", [1, 3])
def test_sample_grids_show_the_samples_of_each_prior_and_epoch(channels):
    samples = {
        prior: {epoch: (pictures(64, channels, 10 * number + epoch) * 255).astype(np.uint8) for epoch in (1, 2)}
        for number, prior in enumerate(PRIORS)
    }
    figure = sample_grids(samples)
    axes = grid(figure, columns=2)
    assert [row[0].get_ylabel() for row in axes] == ["minimax", "least squares"]
    assert [row[0].yaxis.label.get_color() for row in axes] == list(PALETTE[:2])
    for row, prior in zip(axes, PRIORS, strict=True):
        for panel, epoch in zip(row, (1, 2), strict=True):
            assert shown(panel).shape == (8 * SIDE, 8 * SIDE, channels)
            np.testing.assert_allclose(shown(panel), tile(samples[prior][epoch] / 255, columns=8), rtol=1e-6)
    assert blank_axes(figure) == []


def test_sample_grids_stand_under_their_epochs_whatever_their_order():
    grids = {epoch: np.full((64, 1, 8, 8), epoch, dtype=np.uint8) for epoch in (1, 10, 2)}
    figure = sample_grids({"minimax": grids, "least_squares": dict(reversed(grids.items()))})
    found = [(axes.get_title(), axes.images[0].get_array().max() * 255) for axes in figure.axes]
    assert found == [("epoch 1", 1), ("epoch 2", 2), ("epoch 10", 10), ("", 1), ("", 2), ("", 10)]
