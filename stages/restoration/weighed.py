"""How many images tell the weights of a combination of restorers."""

WEIGHED = 32  # validation images under each condition, at most
