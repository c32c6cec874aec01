"""How bright things are shown that have no brightness of their own."""

HIDDEN = 0.4  # the grey of hidden pixels, so that they do not pass for black
MOST_UNCERTAIN = 0.5  # standard deviation shown as white: that of a pixel that is black or white with equal odds
