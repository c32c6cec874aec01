"""What tests of searches share: starts, energies, other values where nothing is seen, and what restorations hold."""

from dataclasses import replace

import numpy as np
import torch

from stages.restoration.latent.search import LatentSearch
from stages.restoration.observation import Observation
from stages.restoration.restored import Restored

JUNK = [0.7, -1e6, np.nan, np.inf]


def starts_of(search: LatentSearch, observation: Observation, restarts: int) -> np.ndarray:
    """The same prior samples for every observation, (N, restarts, latent_dim)."""
    return np.tile(search.draw_prior(restarts), (len(observation.y), 1, 1))


def with_map(search: LatentSearch, **changes: int) -> LatentSearch:
    """The same search with other settings of map, also such as params.yaml may not have."""
    changed = search.settings.map.model_copy(update=changes)
    return replace(search, settings=search.settings.model_copy(update={"map": changed}))


def energies(search: LatentSearch, observation: Observation, codes: np.ndarray) -> np.ndarray:
    """Energies (N, M) of codes (N, M, latent_dim), one call for each observation."""
    objective, found = search.objective(observation), []
    for index, own in enumerate(codes):
        energy = objective.batch(torch.full((len(own),), index), search.compute)
        found.append(energy(torch.from_numpy(own), torch.from_numpy(search.prior.draw(own, search.compute))).numpy())
    return np.stack(found)


def with_junk(seen: Observation, junk: float) -> Observation:
    """The same observation with other values in hidden pixels."""
    return replace(seen, y=np.where(seen.mask, seen.y, np.float32(junk)))


def check(restored: Restored, images: dict, codes: dict, spread: dict) -> None:
    """These arrays and no others, of these shapes, all finite; float32, but for the completions."""
    for found, shapes in ((restored.images, images), (restored.codes, codes), (restored.spread, spread)):
        assert {name: array.shape for name, array in found.items()} == shapes
        assert {name for name, array in found.items() if array.dtype != np.float32} <= {"completions"}
        assert all(np.isfinite(array).all() for array in found.values())


def changed(first: Restored, second: Restored) -> set[str]:
    """The arrays that are not the same bytes, each as `images map`, `codes map`, ..."""
    return {
        f"{group} {name}"
        for group, arrays in vars(first).items()
        for name, array in arrays.items()
        if array.tobytes() != getattr(second, group)[name].tobytes()
    }
