"""The error that a user can mend."""


class UserError(Exception):
    """A mistake in a parameter or a file, or a machine that is too small.

    The message names the key or file, the value, and what is allowed.
    """
