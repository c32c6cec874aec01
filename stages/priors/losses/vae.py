"""A variational autoencoder (Kingma & Welling 2014): the generator learns to draw what an encoder saw in an image.

Minus the evidence lower bound of training images (evidence.py). The encoder has the discriminator's layers.
"""

import torch
from torch import Tensor

from stages.pipeline.networks import SavedNetwork
from stages.pipeline.numerics.pixels import tensor_to_float
from stages.pipeline.numerics.sizes import images_at_a_time
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.storage import Row
from stages.priors.evidence import LearnedMisfit, draw_posterior
from stages.priors.networks import Encoder, initialise
from stages.priors.training import Learner, Loss, Means, Part, Setting, falling, gradient_norm


class Autoencoder(Learner):
    """Encoder, generator and misfit, which go down the same loss."""

    def __init__(self, setting: Setting):
        self.setting, self.compute = setting, setting.compute
        generator, settings = setting.generator(), setting.params
        self.encoder = Encoder(**generator.arguments)
        initialise(self.encoder, torch_stream(setting.seed, "initial weights", "encoder"))
        self.encoder = self.compute.place_network(self.encoder)
        self.misfit = LearnedMisfit().to(self.compute.device)
        networks = {"generator": generator, "encoder": self.encoder, "misfit": self.misfit}
        parts = {
            name: Part(network, torch.optim.Adam(network.parameters(), lr=settings.learning_rate, fused=True))
            for name, network in networks.items()
        }
        self.noise = torch_stream(setting.seed, "posterior draws")
        super().__init__(generator, parts, {"noise_stream": self.noise})
        self.sums = Means(("g_loss", "g_grad_norm"), self.compute.device)

    def step(self, images: Tensor, places: Tensor, number: int) -> None:
        codes, divergence = draw_posterior(self.encoder, images, self.noise, self.compute)
        with self.compute.autocast():
            drawn = self.generator(codes)
        loss = (self.misfit(images, drawn) + divergence).mean()
        for part in self.parts.values():
            part.adam.zero_grad()
        loss.backward()
        for part in self.parts.values():
            falling(part.adam, self.setting, number)
            part.adam.step()
        self.sums.add(loss, gradient_norm(self.generator))

    def epoch_means(self) -> Row:
        return self.sums.take()

    def steps(self, batches: int) -> tuple[int, int]:
        return 0, batches

    @torch.no_grad()
    def draw_codes(self, count: int) -> Tensor:
        """Of q(z | x) of the first training images: N(0, I) is not quite what the generator learned on."""
        images, stream = self.setting.images, torch_stream(self.setting.seed, "batch norm codes")
        size = images_at_a_time(images.shape[2])
        self.encoder.eval()
        codes = []
        for start in range(0, min(count, len(images)), size):
            shown = tensor_to_float(self.compute.place(torch.from_numpy(images[start : start + size])))
            codes.append(draw_posterior(self.encoder, shown, stream, self.compute)[0])
        self.encoder.train()
        return torch.cat(codes)[:count]

    def saved_networks(self) -> dict[str, SavedNetwork]:
        return {"encoder": self.encoder.eval()}


class EvidenceBound(Loss):
    """Minus the evidence lower bound."""

    def learner(self, setting: Setting) -> Learner:
        return Autoencoder(setting)


LOSS = EvidenceBound()
