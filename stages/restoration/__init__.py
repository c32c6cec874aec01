"""What is seen of an image, how a latent code is found for it, and how good the result is."""
