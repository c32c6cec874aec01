"""The methods by the names that arrays and tables give them, each group in the order of tables and figures."""

from collections.abc import Sequence

METHODS = ("plain", "map", "posterior_mean")  # by latent search
INVERSIONS = ("plain", "map", "whitened")  # the same, where everything is seen without noise
DENOISERS = ("nl_means", "tv", "wavelet", "bm3d", "pca_wiener")  # without a GAN: what a person would pick instead
INPAINTERS = ("mean_fill", "biharmonic", "telea", "navier_stokes", "pca_mean")


def usual_loss(losses: Sequence[str]) -> str:
    """The loss whose generator serves where one has to do: the better prior, if it is there."""
    return "non_saturating" if "non_saturating" in losses else losses[-1]
