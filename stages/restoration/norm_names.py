"""The norms as methods: the names under which their restorations are saved."""


def norm_method(norm: str, with_prior: str) -> str:
    """The method that minimises a norm, with the prior `on` or `off`."""
    return f"{norm}, prior {with_prior}"


def norm_and_prior(method: str) -> tuple[str, str]:
    """What `norm_method` made one name of."""
    norm, _, with_prior = method.partition(", prior ")
    return norm, with_prior
