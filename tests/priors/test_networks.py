"""Shapes for every image size, independence of the batch, and files that come back the same."""

import pytest
import torch
from torch import nn
from torch.nn.functional import conv_transpose2d
from torch.testing import assert_close

from stages.judging.classifier import Classifier
from stages.pipeline.errors import UserError
from stages.pipeline.networks import load_network, network_writer
from stages.pipeline.numerics.sizes import doublings
from stages.pipeline.storage import publish, weight_writer
from stages.priors.networks import (
    Discriminator,
    Generator,
    fold_batch_norm,
    initialise,
    load_for_search,
    recompute_batch_norm,
)

SIZES = [28, 32, 64]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("image_size", SIZES)
def test_shapes_and_ranges(image_size, channels):
    generator = Generator(latent_dim=5, width=4, channels=channels, image_size=image_size)
    discriminator = Discriminator(width=4, channels=channels, image_size=image_size)
    images = generator(torch.randn(3, 5))
    assert images.shape == (3, channels, image_size, image_size)
    assert images.dtype == torch.float32
    assert 0 <= images.min() < images.max() <= 1
    assert discriminator(images).shape == (3,)


def test_one_block_more_for_64_pixels():
    assert [doublings(size) for size in (28, 32, 56, 64)] == [2, 2, 3, 3]


@pytest.mark.parametrize("image_size", [0, 7, 8, 20, 30, 48, 100])
def test_other_sizes_are_refused(image_size):
    with pytest.raises(ValueError, match=f"image_size = {image_size}: allowed"):
        Generator(latent_dim=5, width=4, channels=1, image_size=image_size)


def test_no_batch_norm_at_the_ends_of_the_discriminator():
    kinds = [type(layer).__name__ for layer in Discriminator(width=4, channels=1, image_size=28).layers]
    assert kinds == ["Conv2d", "LeakyReLU", "Conv2d", "BatchNorm2d", "LeakyReLU", "_ChannelsLast", "Flatten", "Linear"]


def test_initial_weights_have_the_papers_spread():
    discriminator = Discriminator(width=64, channels=1, image_size=28)
    initialise(discriminator, torch.Generator().manual_seed(0))
    weight = discriminator.layers[2].weight
    assert_close(weight.std().item(), 0.02, rtol=0.02, atol=0)
    assert abs(weight.mean().item()) < 0.001


def test_an_image_is_the_same_alone_and_in_a_batch(tiny_generator):
    codes = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
    together = tiny_generator(codes)
    alone = torch.cat([tiny_generator(code[None]) for code in codes])
    assert_close(together, alone, rtol=0, atol=1e-6)
    assert together.std(dim=0).mean() > 0.01  # or the test would pass for a generator that ignores its code


def test_a_small_rest_of_the_codes_does_not_outweigh_the_others():
    stream = torch.Generator().manual_seed(0)
    generator = Generator(latent_dim=4, width=4, channels=1, image_size=28)
    initialise(generator, stream)
    codes = torch.randn(65, 4, generator=stream)
    recompute_batch_norm(generator, codes, batch_size=64)
    found = {name: value.clone() for name, value in generator.named_buffers() if "running" in name}
    recompute_batch_norm(generator, codes, batch_size=65)
    for name, value in generator.named_buffers():
        if "running_var" in name:  # a batch of one image would halve the variances
            assert_close(found[name], value, rtol=0.1, atol=0)


def test_recomputed_statistics_are_those_of_the_codes():
    stream = torch.Generator().manual_seed(0)
    generator = Generator(latent_dim=4, width=4, channels=1, image_size=28)
    initialise(generator, stream)
    codes = torch.randn(64, 4, generator=stream)
    recompute_batch_norm(generator, codes, batch_size=64)
    assert not generator.training
    evaluated = generator(codes)
    generator.train()
    normalised_by_batch = generator(codes)
    # Running variances are unbiased, batch variances are not: n / (n - 1) over 64 * 49 values and more.
    assert_close(evaluated, normalised_by_batch, rtol=0, atol=1e-4)


@pytest.mark.parametrize("image_size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_folded_batch_norm_draws_the_same_images(image_size, channels):
    stream = torch.Generator().manual_seed(0)
    generator = Generator(latent_dim=5, width=4, channels=channels, image_size=image_size)
    for parameter in generator.parameters():
        parameter.data.normal_(generator=stream)
    codes = torch.randn(8, 5, generator=stream)
    recompute_batch_norm(generator, torch.randn(50, 5, generator=stream))
    images = generator(codes)
    folded = fold_batch_norm(generator)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    assert_close(folded(codes), images, rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_last_layer_is_a_transposed_convolution(channels):
    layer = Generator(latent_dim=5, width=4, channels=channels, image_size=28).layers[-1]
    layer.bias.data.normal_()
    maps = torch.randn(2, 4, 14, 14)
    expected = conv_transpose2d(maps, layer.weight, layer.bias, stride=2, padding=1)
    assert_close(layer(maps), expected, rtol=1e-4, atol=1e-5)


def test_saved_generator_comes_back_bit_for_bit(tiny_generator, tmp_path):
    publish({tmp_path / "g.safetensors": network_writer(tiny_generator)})
    loaded = load_network(Generator, tmp_path / "g.safetensors")
    codes = torch.randn(4, 4)
    assert torch.equal(loaded(codes), tiny_generator(codes))
    assert not loaded.training and not any(parameter.requires_grad for parameter in loaded.parameters())


def test_a_generator_for_searches_is_frozen_and_draws_the_same_images(tiny_generator, tmp_path):
    publish({tmp_path / "g.safetensors": network_writer(tiny_generator)})
    loaded = load_for_search(tmp_path / "g.safetensors")
    assert not loaded.training and not any(parameter.requires_grad for parameter in loaded.parameters())
    assert not any(isinstance(module, nn.BatchNorm2d) for module in loaded.modules())
    codes = torch.randn(4, 4)
    assert_close(loaded(codes), tiny_generator(codes), rtol=0, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_networks_know_the_arguments_that_build_them(channels):
    generator = Generator(latent_dim=5, width=4, channels=channels, image_size=32)
    discriminator = Discriminator(width=4, channels=channels, image_size=32)
    for network in (generator, discriminator):
        again = type(network)(**network.arguments)
        assert [tensor.shape for tensor in again.parameters()] == [tensor.shape for tensor in network.parameters()]


def test_a_network_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "c.safetensors"
    publish({path: network_writer(Classifier(channels=1, image_size=28, classes=10))})
    with pytest.raises(UserError, match=r"c.safetensors: not a Generator"):
        load_network(Generator, path)


def test_weights_that_do_not_fit_their_metadata_are_refused(tiny_generator, tmp_path):
    path = tmp_path / "g.safetensors"
    weights = {name: tensor.numpy() for name, tensor in tiny_generator.state_dict().items()}
    publish({path: weight_writer(weights, tiny_generator.arguments | {"width": 16})})
    with pytest.raises(UserError, match="not a Generator"):
        load_network(Generator, path)


@pytest.mark.parametrize(
    "change",
    [{"image_size": 30}, {"width": -1}, {"depth": 3}, {"channels": None}],
    ids=str,
)
def test_metadata_that_build_no_generator_are_refused(tiny_generator, tmp_path, change):
    path = tmp_path / "g.safetensors"
    weights = {name: tensor.numpy() for name, tensor in tiny_generator.state_dict().items()}
    arguments = {name: value for name, value in (tiny_generator.arguments | change).items() if value is not None}
    publish({path: weight_writer(weights, arguments)})
    with pytest.raises(UserError, match=r"g\.safetensors: not a Generator: \w") as caught:
        load_network(Generator, path)
    assert "\n" not in str(caught.value)
