"""What a GAN is, how it is trained and how it is judged."""
