"""What generators are trained to minimise: `priors` in params.yaml names these modules; each has a LOSS."""
