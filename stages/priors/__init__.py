"""What draws images from codes: the networks, the losses that train them, and training."""
