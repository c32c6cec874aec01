"""The posterior: closed forms where there are any, calibrated under its own model, every image by itself."""

import itertools
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from stages.pipeline.numerics.compute import Compute
from stages.pipeline.params import Posterior, Search
from stages.priors.flow import Flow, initialise_flow
from stages.priors.misfit import FLOOR, Misfit
from stages.restoration.latent.objective import Generate
from stages.restoration.latent.prior import LatentPrior
from stages.restoration.latent.search import Explored, LatentSearch
from stages.restoration.observation import Observation, masked, noisy, stack
from stages.restoration.posterior import sample_posterior, split_r_hat
from tests.restoration.examples import JUNK, starts_of, with_junk

SHORT = Posterior(steps=20, burn_in=8, temperature=64.0)
WIDE = Compute(torch.device("cpu"), bfloat16=False, search_batch=512)  # for images of a few pixels


def sampled(search: LatentSearch, observation: Observation, starts: np.ndarray) -> dict[str, np.ndarray]:
    """Chains from these starts: the mean, and what comes with it."""
    mean, spread = sample_posterior(search, observation, Explored(starts, axes=torch.empty(0)))
    return {"posterior_mean": mean} | spread


def with_chains(search: LatentSearch, chains: Posterior) -> LatentSearch:
    return replace(search, settings=search.settings.model_copy(update={"posterior": chains}))


def search_of_rows(generate: Generate, misfit: Misfit, chains: Posterior) -> LatentSearch:
    """Of a generator that draws images of one row from codes of three numbers; only its chains matter."""
    prior = LatentPrior(generate, 3, misfit)
    return LatentSearch(prior, Search.model_construct(posterior=chains), seed=0, compute=WIDE)


@pytest.fixture
def sample(search) -> Callable[..., dict[str, np.ndarray]]:
    """Chains from the same three prior samples for every observation."""

    def sample(
        observation: Observation, starts: np.ndarray | None = None, chains: Posterior = SHORT, **changes
    ) -> dict[str, np.ndarray]:
        starts = starts_of(search, observation, 3) if starts is None else starts
        own = replace(with_chains(search, chains), prior=search.prior.with_misfit(Misfit(0.02)), **changes)
        return sampled(own, observation, starts)

    return sample


@pytest.fixture
def mixed(images, half) -> Observation:
    """Noisy images, and images of which half is hidden."""
    return stack([noisy(images, 0.3, 0), masked(images, half)])


def linear_generator(pixels: int, latent_dim: int) -> tuple[np.ndarray, Generate]:
    """A (pixels, latent_dim), and a generator that draws 1/2 + A z as an image of one row, far from black and white."""
    axes = np.random.default_rng(0).standard_normal((pixels, latent_dim)) * 0.06
    weights = torch.from_numpy(axes.astype(np.float32))
    return axes, lambda codes: (0.5 + codes @ weights.T)[:, None, None, :]


def conditional(axes: np.ndarray, y: np.ndarray, known: np.ndarray, sigma: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of x = 1/2 + A z + e, given y = x + sigma noise at the pixels `known`."""
    prior = axes @ axes.T + FLOOR * np.eye(len(axes))
    gain = prior[:, known] @ np.linalg.inv(prior[np.ix_(known, known)] + sigma**2 * np.eye(known.sum()))
    variance = np.diag(prior - gain @ prior[known])
    return 0.5 + gain @ (y[known] - 0.5), np.sqrt(np.maximum(variance, 0))


def row_observation(axes: np.ndarray, count: int, known: np.ndarray, sigma: float) -> Observation:
    """Images of the linear model itself, seen where `known`."""
    stream = np.random.default_rng(1)
    x = 0.5 + stream.standard_normal((count, axes.shape[1])) @ axes.T
    x += np.sqrt(FLOOR) * stream.standard_normal(x.shape)
    y = np.where(known, x + sigma * stream.standard_normal(x.shape), 0).astype(np.float32)
    mask = np.broadcast_to(known, (count, 1, 1, len(known)))
    return Observation(y[:, None, None, :], np.ascontiguousarray(mask), np.full(count, sigma, np.float32))


CASES = {"noise": (9, 0.1), "much noise": (9, 1.0), "hidden": (5, 0.0), "hidden and noise": (4, 0.05)}


@pytest.fixture(scope="module")
def linear() -> dict[str, tuple[np.ndarray, ...]]:
    """For each of CASES: mean and spread found, mean and spread in closed form, and the pixels that were seen."""
    axes, generate = linear_generator(pixels=9, latent_dim=3)
    knowns = [np.arange(9) < seen for seen, _ in CASES.values()]
    rows = [row_observation(axes, 4, known, s) for known, (_, s) in zip(knowns, CASES.values(), strict=True)]
    chains = Posterior(steps=800, burn_in=60, temperature=1e6)  # the burn-in makes steps long
    search = search_of_rows(generate, Misfit(0.0), chains)
    found = sampled(search, stack(rows), np.zeros((16, 16, 3), np.float32))
    cases = {}
    for number, (name, (_, sigma)) in enumerate(CASES.items()):
        exact = [conditional(axes, y[0, 0], knowns[number], sigma) for y in rows[number].y]
        own = slice(4 * number, 4 * number + 4)
        spreads = (found[key][own, 0, 0] for key in ("posterior_mean", "posterior_std"))
        cases[name] = (*spreads, *map(np.array, zip(*exact, strict=True)), knowns[number])
    return cases


@pytest.mark.parametrize("case", CASES)
def test_mean_and_spread_are_the_closed_form_of_a_linear_generator(linear, case):
    mean, std, exact_mean, exact_std, _ = linear[case]
    uncertain = exact_std > 1e-6
    assert uncertain.any()
    assert (np.abs(mean - exact_mean)[uncertain] < 0.15 * exact_std[uncertain]).all()
    np.testing.assert_allclose(std[uncertain], exact_std[uncertain], rtol=0.1)


def test_with_a_flow_they_are_those_of_the_codes_that_it_gives():
    """A flow that only scales and shifts leaves a linear generator one: 1/2 + A (B u + b), u ~ N(0, I)."""
    axes, generate = linear_generator(pixels=9, latent_dim=3)
    flow, stream = Flow(latent_dim=3, couplings=2, width=4), torch.Generator().manual_seed(0)
    initialise_flow(flow, stream)
    for part in flow.parts:
        part.network[-1].bias.data.normal_(generator=stream)
    flow = flow.requires_grad_(False)
    shift = flow(torch.zeros(1, 3))
    scaled = axes @ (flow(torch.eye(3)) - shift).numpy().T.astype(np.float64)
    assert not np.allclose(scaled, axes, rtol=0.2)
    known = np.arange(9) < 5
    centred = row_observation(scaled, 4, known, 0.05)
    moved = (axes @ shift[0].numpy()).astype(np.float32) * known
    chains = Posterior(steps=800, burn_in=60, temperature=1e6)
    search = search_of_rows(generate, Misfit(0.0), chains)
    search = replace(search, prior=replace(search.prior, flow=flow))

    found = sampled(search, replace(centred, y=centred.y + moved), np.zeros((4, 16, 3), np.float32))

    for number, y in enumerate(centred.y):
        mean, std = conditional(scaled, y[0, 0], known, 0.05)
        own = found["posterior_mean"][number, 0, 0] - axes @ shift[0].numpy()
        assert (np.abs(own - mean) < 0.15 * std).all()
        np.testing.assert_allclose(found["posterior_std"][number, 0, 0], std, rtol=0.1)


def test_a_chain_that_goes_off_is_taken_back():
    """Beyond a wall where energies are not finite: no chain ends there, and all go on."""

    def generate(codes: torch.Tensor) -> torch.Tensor:
        return torch.where(codes < 1, codes / 4 + 0.5, torch.nan)[:, None, None, :]

    observation = Observation(
        np.full((1, 1, 1, 3), 0.7, np.float32), np.ones((1, 1, 1, 3), bool), np.full(1, 0.1, "f4")
    )
    search = search_of_rows(generate, Misfit(0.0), Posterior(steps=100, burn_in=20, temperature=1e6))
    found = sampled(search, observation, np.zeros((1, 8, 3), np.float32))
    assert all(np.isfinite(array).all() for array in found.values())
    assert found["posterior_std"].min() > 0.02 and found["posterior_mean"].max() < 0.75


def test_pixels_seen_without_noise_are_what_was_seen_and_certain(linear):
    mean, std, exact_mean, exact_std, known = linear["hidden"]
    assert (exact_std[:, known] < 1e-6).all() and (exact_std[:, ~known] > 0.02).all()
    np.testing.assert_allclose(mean[:, known], exact_mean[:, known], rtol=0, atol=1e-5)
    assert (std[:, known] < 1e-5).all()


def test_what_happens_during_the_burn_in_is_not_counted():
    axes, generate = linear_generator(pixels=9, latent_dim=3)
    everything = np.ones(9, dtype=bool)
    observation = row_observation(axes, 4, everything, 0.1)
    std = np.array([conditional(axes, y[0, 0], everything, 0.1)[1] for y in observation.y])

    def spread(burn_in: int) -> float:
        """The standard deviation found beside the true one, from starts far away, which chains swing back from."""
        starts = np.full((4, 8, 3), 30, np.float32)
        chains = Posterior(steps=160, burn_in=burn_in, temperature=1e6)
        found = sampled(search_of_rows(generate, Misfit(0.0), chains), observation, starts)
        return (found["posterior_std"][:, 0, 0] / std).mean()

    assert spread(burn_in=80) == pytest.approx(1, abs=0.1) and spread(burn_in=0) > 2


def test_intervals_hold_the_truth_as_often_as_they_say():
    """Over images that are drawn from the model itself, by a generator that is not linear."""
    count, sigma, misfit = 256, 0.1, Misfit(0.005)
    stream = torch.Generator().manual_seed(0)
    weights = torch.randn((16, 3), generator=stream) / 2

    def generate(codes: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(codes @ weights.T)[:, None, None, :]

    drawn = generate(torch.randn((count, 3), generator=stream))
    x = drawn + misfit.variance(drawn).sqrt() * torch.randn(drawn.shape, generator=stream)
    y = x + sigma * torch.randn(x.shape, generator=stream)
    observation = Observation(y.numpy(), np.ones(y.shape, dtype=bool), np.full(count, sigma, np.float32))
    search = search_of_rows(generate, misfit, Posterior(steps=200, burn_in=50, temperature=1e6))
    found = sampled(search, observation, starts_of(search, observation, 8))
    for coverage in (50, 90):
        inside = (found[f"low_{coverage}"] <= x.numpy()) & (x.numpy() <= found[f"high_{coverage}"])
        assert inside.mean() == pytest.approx(coverage / 100, abs=0.02)


def test_arrays_have_the_shapes_and_types_that_are_promised(sample, mixed):
    found = sample(mixed)
    image = ((12, 1, 28, 28), np.float32)
    assert {name: (array.shape, array.dtype) for name, array in found.items()} == {
        "posterior_mean": image,
        "posterior_std": image,
        "low_50": image,
        "high_50": image,
        "low_90": image,
        "high_90": image,
        "completions": ((12, 3, 1, 28, 28), np.uint8),
        "chain_weights": ((12, 3), np.float32),
        "r_hat": ((12,), np.float32),
    }
    assert all(np.isfinite(array).all() for array in found.values())


def test_intervals_are_nested_and_lie_between_black_and_white(sample, mixed):
    found = sample(mixed)
    ends = [np.zeros(1), *(found[name] for name in ("low_90", "low_50", "high_50", "high_90")), np.ones(1)]
    assert all((lower <= upper).all() for lower, upper in itertools.pairwise(ends))
    hidden = ~mixed.mask[6:]
    assert (found["low_90"] < found["low_50"])[6:][hidden].mean() > 0.9


def test_chain_weights_follow_the_temperature(sample, mixed):
    hot, warm, cold = (
        sample(mixed, chains=SHORT.model_copy(update={"temperature": temperature}))["chain_weights"].astype(np.float64)
        for temperature in (1e9, 200.0, 50.0)
    )
    for weights in (hot, warm, cold):
        np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-6)
        assert (np.diff(weights, axis=1) <= 0).all()
    np.testing.assert_allclose(hot, 1 / 3, rtol=1e-4)
    logs_warm, logs_cold = (np.log(weights / weights[:, :1]) for weights in (warm, cold))
    np.testing.assert_allclose(logs_cold, 4 * logs_warm, rtol=1e-3, atol=1e-3)
    assert logs_warm.min() < -0.1


@pytest.mark.parametrize("place", [0, 1, 2])
def test_completions_come_in_the_order_of_the_weights(sample, images, place):
    """The heaviest chain is the one that starts at the code of the image, wherever it stands among the starts."""
    codes = np.random.default_rng(3).standard_normal((6, 4), dtype=np.float32)  # of `images`
    starts = np.stack([codes[[1, 2, 3, 4, 5, 0]], codes[[2, 3, 4, 5, 0, 1]]], axis=1)
    starts = np.insert(starts, place, codes, axis=1)
    hidden = masked(images, np.tile(np.arange(28) < 5, (6, 1, 28, 1)))
    found = sample(hidden, starts=starts, chains=Posterior(steps=4, burn_in=0, temperature=1.0))
    error = np.abs(found["completions"] / 255 - images[:, None]).mean(axis=(2, 3, 4))
    assert (error.argmin(axis=1) == 0).all()
    known = np.broadcast_to(hidden.mask[:, None], found["completions"].shape)
    seen = np.broadcast_to((images * 255).round()[:, None], known.shape)
    assert (found["completions"][known] == seen[known]).all()


@pytest.mark.parametrize("junk", JUNK)
def test_hidden_pixels_never_change_a_bit_of_the_answer(sample, images, half, junk):
    seen = masked(images, half)
    first, second = sample(seen), sample(with_junk(seen, junk))
    assert all(first[name].tobytes() == second[name].tobytes() for name in first)


def test_the_same_seed_gives_the_same_bytes(sample, mixed):
    first, again, other = sample(mixed), sample(mixed), sample(mixed, seed=1)
    assert all(first[name].tobytes() == again[name].tobytes() for name in first)
    assert not np.allclose(first["posterior_mean"], other["posterior_mean"], atol=1e-3)


def same(found: dict[str, np.ndarray], expected: dict[str, np.ndarray]) -> None:
    for name, array in expected.items():
        tolerance = 1 if array.dtype == np.uint8 else 2e-3
        np.testing.assert_allclose(found[name].astype(float), array, rtol=0, atol=tolerance, err_msg=name)


def test_results_do_not_depend_on_what_else_is_in_the_batch(sample, mixed, exact):
    few = Posterior(steps=8, burn_in=2, temperature=1.0)  # rounding, which the batch may change, grows along a chain
    together = sample(mixed, chains=few)
    same(sample(mixed, chains=few, compute=replace(exact, search_batch=100)), together)
    for index in (0, 7):
        alone = mixed.rows(np.array([index]))
        same(sample(alone, chains=few), {name: array[index : index + 1] for name, array in together.items()})


def test_one_chain_and_the_fewest_steps_are_enough(search, sample, mixed):
    found = sample(mixed, starts=starts_of(search, mixed, 1), chains=Posterior(steps=6, burn_in=2, temperature=64.0))
    assert (found["chain_weights"] == 1).all()
    assert all(np.isfinite(array).all() for array in found.values())


def test_r_hat_by_hand():
    """Two chains of five: halves (1, 3), (4, 8), (2, 2.5), (6, 7), the middle value left out."""
    values = torch.tensor([[[1.0, 3.0, 99.0, 4.0, 8.0], [2.0, 2.5, -99.0, 6.0, 7.0]]])
    within = (2 + 8 + 0.125 + 0.5) / 4
    means = np.array([2, 6, 2.25, 6.5])
    expected = np.sqrt((within / 2 + means.var(ddof=1)) / within)
    assert split_r_hat(values).tolist() == pytest.approx([expected])


def test_r_hat_is_one_for_chains_that_agree_and_large_for_those_that_do_not():
    values = torch.randn((3, 8, 400), generator=torch.Generator().manual_seed(0))
    values[1] += torch.arange(8)[:, None]  # chains in different places
    values[2] += torch.linspace(0, 5, 400)  # chains that drift
    agree, apart, drift = split_r_hat(values).tolist()
    assert agree == pytest.approx(1, abs=0.01) and apart > 2 and drift > 1.3
