"""Restoration with a latent prior: from what is seen of an image to codes whose images explain it."""
