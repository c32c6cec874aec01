"""The sizes that images may have, and how many of a size are handled at a time."""

MNIST_SIZE = 28
COVARIANCE_PIXELS = 4096  # up to as many the rivals' linear model holds a covariance of all of them: 134 MB
DRAWN = 1000  # images of 28x28 pixels that a network draws or sees at a time, where nothing is learned


def doublings(image_size: int) -> int:
    """How often the resolution doubles between the coarsest map (7 or 8 pixels) and the image.

    Raises ValueError for another size than 7 or 8 times a power of two.
    """
    for start in (7, 8):
        factor = image_size // start
        if image_size == start * factor and factor >= 2 and factor & (factor - 1) == 0:
            return factor.bit_length() - 1
    raise ValueError(f"image_size = {image_size}: allowed are 7 or 8 times a power of two (28, 32, 56, 64, ...)")


def images_at_a_time(image_size: int, of_mnist: int = DRAWN) -> int:
    """As many images as have the pixels of `of_mnist` images of 28x28, so that all sizes take the same memory."""
    return max(of_mnist * MNIST_SIZE**2 // image_size**2, 1)
