"""Adversarial training of one DCGAN (Goodfellow et al. 2014, algorithm 1; networks of Radford et al. 2016)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from stages.pipeline.networks import SavedNetwork
from stages.pipeline.numerics.streams import torch_stream
from stages.pipeline.storage import Row
from stages.priors.networks import Discriminator, initialise, remove_batch_norm
from stages.priors.training import Learner, Means, Part, Setting, gradient_norm

if TYPE_CHECKING:
    from stages.priors.gan_loss import GanLoss


class Players(Learner):
    """Generator and discriminator, with a step of each. All losses get the same initial weights and codes.

    `optimiser` makes what moves a network's weights, the Adam of `setting` if it is None. Without `batch_norm` the
    discriminator does not normalise.
    """

    def __init__(
        self,
        loss: GanLoss,
        setting: Setting,
        *,
        optimiser: Callable[[nn.Module], torch.optim.Optimizer] | None = None,
        batch_norm: bool = True,
    ):
        settings = setting.params

        def adam(network: nn.Module) -> torch.optim.Optimizer:
            betas = (settings.beta1, settings.beta2)
            return torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=betas, fused=True)

        self.loss, self.setting, self.compute = loss, setting, setting.compute
        generator = setting.generator()
        _, channels, size, _ = setting.images.shape
        self.discriminator = Discriminator(width=settings.width, channels=channels, image_size=size)
        initialise(self.discriminator, torch_stream(setting.seed, "initial weights", "discriminator"))
        if not batch_norm:
            remove_batch_norm(self.discriminator)
        self.discriminator = self.compute.place_network(self.discriminator)
        self.generator_adam, self.discriminator_adam = map(optimiser or adam, (generator, self.discriminator))
        self.codes = torch_stream(setting.seed, "training codes")
        parts = {
            "generator": Part(generator, self.generator_adam),
            "discriminator": Part(self.discriminator, self.discriminator_adam),
        }
        super().__init__(generator, parts, {"code_stream": self.codes})
        device = self.compute.device
        self.of_discriminator = Means(("d_loss", "real_logit", "fake_logit", "d_accuracy"), device)
        self.of_generator = Means(("g_loss", "g_grad_norm", "loss_slope"), device)

    def step(self, images: Tensor, places: Tensor, number: int) -> None:
        self.discriminator_step(images)
        if number % self.setting.params.discriminator_steps == 0:
            self.generator_step()

    def discriminator_step(self, real: Tensor) -> None:
        with self.compute.autocast():
            with torch.no_grad():
                fake = self.generator(self._training_codes())
            real_logit, fake_logit = self.discriminator(real), self.discriminator(fake)
        d_loss = self.loss.discriminator(real_logit, fake_logit)
        self.discriminator_adam.zero_grad()
        d_loss.backward()
        self.discriminator_adam.step()
        threshold = self.loss.threshold
        accuracy = ((real_logit > threshold).float().mean() + (fake_logit < threshold).float().mean()) / 2
        self.of_discriminator.add(d_loss, real_logit.mean(), fake_logit.mean(), accuracy)

    def generator_step(self) -> None:
        self.discriminator.requires_grad_(False)  # spares the weight gradients that this step would throw away
        with self.compute.autocast():
            fake_logit = self.discriminator(self.generator(self._training_codes()))
        g_loss = self.loss.generator(fake_logit)
        self.generator_adam.zero_grad()
        g_loss.backward()
        self.generator_adam.step()
        self.discriminator.requires_grad_(True)
        self.of_generator.add(g_loss, gradient_norm(self.generator), self.loss.slope(fake_logit).abs().mean())

    def epoch_means(self) -> Row:
        return self.of_discriminator.take() | self.of_generator.take()

    def steps(self, batches: int) -> tuple[int, int]:
        return batches, batches // self.setting.params.discriminator_steps

    def draw_codes(self, count: int) -> Tensor:
        stream = torch_stream(self.setting.seed, "batch norm codes")
        return self.compute.place(torch.randn(count, self.setting.params.latent_dim, generator=stream))

    def saved_networks(self) -> dict[str, SavedNetwork]:
        return {"discriminator": self.discriminator.eval()}

    def _training_codes(self) -> Tensor:
        size = (self.setting.params.batch_size, self.setting.params.latent_dim)
        return self.compute.place(torch.randn(size, generator=self.codes))
