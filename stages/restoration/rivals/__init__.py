"""Restorers without a latent prior; each module has a RIVAL, which `rivals` in params.yaml names."""
