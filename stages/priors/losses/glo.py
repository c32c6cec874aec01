"""Generative latent optimisation (Bojanowski et al. 2018): every training image has a code, learned with the generator.

A code starts as the image's whitened principal components (as theirs do) and then goes down the same loss as the
generator: minus log p(x, z) of the model that is searched (evidence.py), so N(0, I) holds codes together where theirs
are projected onto a ball. After each epoch the codes get the second moment of N(0, I), E[z z'] = I, and the generator's
first layer takes up the change: every image is drawn as before. Their mean stays what it is.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d

from stages.images.stored import Images
from stages.pipeline.numerics.pixels import tensor_to_float
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.storage import Row
from stages.priors.evidence import LearnedMisfit
from stages.priors.training import Learner, Loss, Means, Part, Setting, falling, gradient_norm

CODE_RATE = 0.3  # the root mean square of a code's change in its first step, over its coordinates; it falls to zero
THUMBNAIL = 14  # pixels along a side of what the principal components are taken of


class Codebook(Learner):
    """Generator, misfit, and a code for each training image."""

    def __init__(self, setting: Setting):
        self.setting, self.compute = setting, setting.compute
        generator, settings = setting.generator(), setting.params
        self.misfit = LearnedMisfit().to(self.compute.device)
        parts = {
            name: Part(network, torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True))
            for name, network in {"generator": generator, "misfit": self.misfit}.items()
        }
        super().__init__(generator, parts, {})
        stream = torch_stream(setting.seed, "first codes")
        self.codes = self.compute.place(first_codes(setting.images, settings.latent_dim, stream))
        self.sums = Means(("g_loss", "g_grad_norm"), self.compute.device)

    def step(self, images: Tensor, places: Tensor, number: int) -> None:
        where = places.to(self.compute.device)
        codes = self.codes[where].requires_grad_()
        with self.compute.autocast():
            drawn = self.generator(codes)
        losses = self.misfit(images, drawn) + codes.square().sum(dim=1) / 2
        for part in self.parts.values():
            part.adam.zero_grad()
        losses.mean().backward()
        for part in self.parts.values():
            falling(part.adam, self.setting, number)
            part.adam.step()
        with torch.no_grad():
            # Each code's step has a length of its own, whatever the scale of its gradient: there are too few for Adam.
            assert codes.grad is not None
            direction = codes.grad / codes.grad.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1e-12)
            rate = self.parts["generator"].adam.param_groups[0]["lr"] / self.setting.params.learning_rate
            self.codes[where] = codes - CODE_RATE * rate * direction
        self.sums.add(losses.mean(), gradient_norm(self.generator))
        if number % self.setting.steps_per_epoch == 0:
            self._whiten()

    @torch.no_grad()
    def _whiten(self) -> None:
        """Give the codes the second moment E[z z'] = I, and the first layer's weights the inverse of that change.

        Without their mean: that layer has no bias which could take up a shift.
        """
        square = self.codes.T @ self.codes / len(self.codes)
        lower = torch.linalg.cholesky(square + 1e-6 * torch.eye(len(square)).to(square))
        first = self.generator.layers[0]
        assert isinstance(first, nn.Linear)
        first.weight.copy_(first.weight @ lower)
        self.codes = torch.linalg.solve_triangular(lower, self.codes.T, upper=False).T.contiguous()

    def epoch_means(self) -> Row:
        return self.sums.take()

    def steps(self, batches: int) -> tuple[int, int]:
        return 0, batches

    def draw_codes(self, count: int) -> Tensor:
        """Those of the first training images."""
        return self.codes[:count]

    def state(self) -> dict[str, Tensor]:
        return super().state() | {"codes": self.codes}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        super().restore(tensors)
        self.codes = self.compute.place(tensors["codes"])


def first_codes(images: Images, latent_dim: int, stream: torch.Generator) -> Tensor:
    """Whitened principal components of images (N, C, S, S), uint8, in small: (N, latent_dim); random beyond them."""
    size = images_at_a_time(images.shape[2])
    small = [
        adaptive_avg_pool2d(tensor_to_float(torch.from_numpy(images[start : start + size])), THUMBNAIL).flatten(1)
        for start in range(0, len(images), size)
    ]
    pixels = torch.cat(small)
    centred = (pixels - pixels.mean(dim=0)).double()
    variances, axes = torch.linalg.eigh(centred.T @ centred / len(centred))
    kept = min(latent_dim, int((variances > 1e-6 * variances[-1]).sum()))
    components = (centred @ axes[:, -kept:] / variances[-kept:].sqrt()).float()
    return torch.cat([components, torch.randn((len(images), latent_dim - kept), generator=stream)], dim=1)


class CodeSearch(Loss):
    """Minus log p(x, z) of training images and their codes."""

    def learner(self, setting: Setting) -> Learner:
        return Codebook(setting)


LOSS = CodeSearch()
