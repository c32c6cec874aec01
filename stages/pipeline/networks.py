"""Networks on the disk: weights, and the arguments of the constructor that takes them."""

from pathlib import Path
from typing import TypeVar

import torch
from torch import nn

from stages.pipeline.errors import UserError
from stages.pipeline.storage import Writer, load_weights, weight_writer


class SavedNetwork(nn.Module):
    """A network that can be saved: it knows the arguments of its constructor."""

    arguments: dict[str, int]


Network = TypeVar("Network", bound=SavedNetwork)


def network_writer(network: SavedNetwork) -> Writer:
    """The weights, float32, and the constructor's arguments as metadata."""
    weights = {name: tensor.cpu().numpy() for name, tensor in network.state_dict().items()}
    return weight_writer(weights, network.arguments)


def load_network(kind: type[Network], path: Path) -> Network:
    """The network saved at `path`, frozen and in eval mode. Raises UserError for a file that is not of this kind."""
    weights, arguments = load_weights(path)
    try:
        network = kind(**arguments)
        network.load_state_dict({name: torch.from_numpy(array) for name, array in weights.items()})
    except (TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path}: not a {kind.__name__}: {' '.join(str(error).split())}") from None
    return network.requires_grad_(False).eval()
