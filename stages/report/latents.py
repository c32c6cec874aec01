"""A prior with its flow: one name on the way (`artifacts.with_flow`), two columns in the tables that people read."""

import pandas as pd

from stages.pipeline.artifacts import FLOW, prior_and_latent, with_flow


def split_latent(table: pd.DataFrame) -> pd.DataFrame:
    """The table with columns `prior` and `latent` in place of names that say both; as it is, if it has no `prior`."""
    if "prior" not in table:
        return table
    names = pd.DataFrame([prior_and_latent(name) for name in table.prior], columns=["prior", "latent"])
    return pd.concat([names, table.drop(columns="prior").reset_index(drop=True)], axis=1)


def join_latent(table: pd.DataFrame) -> pd.DataFrame:
    """The table with one name in `prior` in place of two columns; as it is, if it has no `prior`."""
    if "prior" not in table:
        return table
    pairs = zip(table.prior, table.latent, strict=True)
    names = [with_flow(prior) if latent == FLOW else prior for prior, latent in pairs]
    return table.drop(columns="latent").assign(prior=names)
