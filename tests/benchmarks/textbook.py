"""The textbook loop, to compare with: what public DCGAN examples write.

float32, eager, default memory layout and allocator, two backward passes for real and fake, Adam as it comes.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from stages.pipeline.params import Train
from stages.priors.networks import Discriminator, initialise


class Textbook:
    """The non-saturating GAN on 28x28 grey images, with the pipeline's networks and settings."""

    def __init__(self, settings: Train, seed: int):
        torch.manual_seed(seed)
        width, self.latent_dim = settings.width, settings.latent_dim
        self.generator = nn.Sequential(
            nn.Linear(self.latent_dim, 2 * width * 49, bias=False),
            nn.Unflatten(1, (2 * width, 7, 7)),
            nn.BatchNorm2d(2 * width),
            nn.ReLU(),
            nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.ConvTranspose2d(width, 1, 4, 2, 1),
            nn.Sigmoid(),
        )
        self.discriminator = Discriminator(width=width, channels=1, image_size=28)
        for network in (self.generator, self.discriminator):
            initialise(network, torch.default_generator)
        adam = {"lr": settings.learning_rate, "betas": (settings.beta1, settings.beta2)}
        self.generator_adam = torch.optim.Adam(self.generator.parameters(), **adam)
        self.discriminator_adam = torch.optim.Adam(self.discriminator.parameters(), **adam)
        self.entropy = nn.BCEWithLogitsLoss()

    def round(self, batches: Iterable[Tensor]) -> None:
        """A discriminator step on each batch (N, 1, 28, 28) of real images in [0, 1], then a generator step."""
        for real in batches:
            ones, zeros = torch.ones(len(real)), torch.zeros(len(real))
            self.discriminator.zero_grad()
            self.entropy(self.discriminator(real), ones).backward()
            fake = self.generator(torch.randn(len(real), self.latent_dim))
            self.entropy(self.discriminator(fake.detach()), zeros).backward()
            self.discriminator_adam.step()
        self.generator.zero_grad()
        self.entropy(self.discriminator(self.generator(torch.randn(len(real), self.latent_dim))), ones).backward()
        self.generator_adam.step()
