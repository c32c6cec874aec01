"""All that the stages have left, read when somebody asks for it: what tables and figures are made from."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from stages.judging.labels import load_labels
from stages.judging.scores import Labels
from stages.pipeline import artifacts
from stages.pipeline.artifacts import NO_PRIOR, UNRESTORED
from stages.pipeline.errors import UserError
from stages.pipeline.params import Params
from stages.pipeline.storage import load_numbers, load_table
from stages.priors.trained import load_history, load_samples
from stages.report.schemas import ACCURACY, COLUMNS, RESTARTS, SECONDS, SOLVERS, Columns, task_columns
from stages.restoration.observed import Observed, join, load_observed
from stages.restoration.restored import Restored, join_restored, load_restored, load_rivals


@dataclass(frozen=True)
class Seen:
    """Observed images, what one prior or all rivals made of them, and what the classifier sees in the results."""

    observed: Observed
    restored: Restored
    labels: Labels  # method -> (N,)


@dataclass(frozen=True)
class Study:
    """The study of params.yaml. All of it raises UserError for a file that is missing, damaged or of another study."""

    params: Params

    @property
    def priors(self) -> list[str]:
        return self.params.priors

    # What the stages before `measure` have left.

    def history(self, prior: str) -> pd.DataFrame:
        """One row an epoch of a prior's training."""
        return load_history(prior)

    def samples(self, prior: str) -> dict[int, np.ndarray]:
        """epoch -> images (64, C, S, S), uint8."""
        return load_samples(prior)

    def fidelity(self) -> pd.DataFrame:
        """How close each prior's images are to real ones, epoch by epoch."""
        return self._of_all_priors(load_table(artifacts.FIDELITY, COLUMNS["fidelity"]), artifacts.FIDELITY)

    def accuracy(self) -> float:
        """The classifier's share of right labels on the test split."""
        return load_numbers(artifacts.CLASSIFIER / "accuracy.json", ACCURACY)["test_accuracy"]

    def observed(self, task: str) -> Observed:
        """What is seen of the test images in a task."""
        return load_observed(artifacts.observed(task))

    def by_prior(self, task: str, prior: str) -> Seen:
        """What a prior made of it."""
        observed = self.observed(task)
        restored = load_restored(artifacts.restored_by_prior(task, prior), observed)
        return Seen(observed, restored, load_labels(task, {prior: list(restored.images)}, len(observed.images))[prior])

    def by_rivals(self, task: str) -> Seen:
        """What each rival made of it, and what it would be to restore nothing."""
        observed = self.observed(task)
        return self._nothing_restored(task, observed, load_rivals(task, self.params.rivals.get(task, []), observed))

    def real(self) -> Seen:
        """The real images that are inverted, themselves."""
        return self._nothing_restored(artifacts.INVERSION, self.observed(artifacts.INVERSION), Restored({}))

    def inverted(self, prior: str) -> Seen:
        """The images that a prior drew itself and then the real ones, inverted by it."""
        real = self.by_prior(artifacts.INVERSION, prior)
        own = load_observed(artifacts.generated(prior))
        restored = load_restored(artifacts.restored_by_prior(artifacts.GENERATED, prior), own)
        seen = load_labels(artifacts.GENERATED, {prior: [UNRESTORED, *restored.images]}, len(own.images))[prior]
        return Seen(
            observed=join(replace(own, labels=seen[UNRESTORED]), real.observed),
            restored=join_restored(restored, real.restored),
            labels={method: np.concatenate([seen[method], real.labels[method]]) for method in restored.images},
        )

    def norms(self) -> tuple[Observed, Restored]:
        """Corrupted images, and what each norm made of them."""
        observed = load_observed(artifacts.NORMS / "observed.npz")
        return observed, load_restored(artifacts.NORMS / "restored.npz", observed)

    def solvers(self) -> pd.DataFrame:
        return load_table(artifacts.SOLVERS / "solvers.csv", SOLVERS)

    def seconds(self) -> pd.DataFrame:
        return load_table(artifacts.SOLVERS / "seconds.csv", SECONDS)

    def restarts(self) -> pd.DataFrame:
        return load_table(artifacts.SOLVERS / "restarts.csv", RESTARTS)

    # What `measure` has left.

    def table(self, name: str) -> pd.DataFrame:
        """A table of metrics/ that has rows of every prior."""
        return self._of_all_priors(self._table(name, COLUMNS[name]), artifacts.table(name))

    def norm_table(self) -> pd.DataFrame:
        """metrics/norms.csv, which is about one prior."""
        return self._table("norms", COLUMNS["norms"])

    def task_table(self, task: str) -> pd.DataFrame:
        """metrics/<task>.csv."""
        observed = self.observed(task)
        columns = task_columns(observed.condition_name, hides=observed.where is not None)
        return self._of_all_priors(self._table(task, columns), artifacts.table(task))

    def _table(self, name: str, columns: Columns) -> pd.DataFrame:
        return load_table(artifacts.table(name), columns)

    def _of_all_priors(self, table: pd.DataFrame, path: Path) -> pd.DataFrame:
        if missing := [prior for prior in self.priors if prior not in set(table.prior)]:
            raise UserError(f"{path}: has no rows of the prior {missing[0]}: run `dvc repro`")
        return table

    def _nothing_restored(self, task: str, observed: Observed, restored: Restored) -> Seen:
        """The observed images as one more method beside those that restore."""
        images = {UNRESTORED: observed.observation.y} | restored.images
        return Seen(
            observed, Restored(images), load_labels(task, {NO_PRIOR: list(images)}, len(observed.images))[NO_PRIOR]
        )
