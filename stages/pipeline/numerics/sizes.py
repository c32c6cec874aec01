"""The sizes that images may have: those that the networks' maps reach by doubling."""


def doublings(image_size: int) -> int:
    """How often the resolution doubles between the coarsest map (7 or 8 pixels) and the image.

    Raises ValueError for another size than 7 or 8 times a power of two.
    """
    for start in (7, 8):
        factor = image_size // start
        if image_size == start * factor and factor >= 2 and factor & (factor - 1) == 0:
            return factor.bit_length() - 1
    raise ValueError(f"image_size = {image_size}: allowed are 7 or 8 times a power of two (28, 32, 56, 64, ...)")
