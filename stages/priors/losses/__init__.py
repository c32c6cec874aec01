"""The GAN losses that `priors` in params.yaml names; each module has a LOSS."""
