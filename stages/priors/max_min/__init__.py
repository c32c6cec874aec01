"""Max-min against min-max: what becomes of a GAN when the inner and the outer problem change places."""
