"""What is seen of an image, how a latent code is found for it, and how good the result is."""

METHODS = ("plain", "map")  # in the order of tables and figures, after the observation itself
