"""All that the stages have left, read when somebody asks for it: what tables and figures are made from."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from stages.judging.bits import load_bits
from stages.judging.labels import load_labels
from stages.judging.scores import Labels
from stages.pipeline import artifacts
from stages.pipeline.artifacts import ALTERED, COMBINED, FLOW, NO_PRIOR, UNRESTORED, with_flow
from stages.pipeline.errors import UserError
from stages.pipeline.params import Params
from stages.pipeline.storage import WORD, Array, Arrays, load_arrays, load_numbers, load_table
from stages.priors.max_min.played import load_played
from stages.priors.saturated import load_small_samples
from stages.priors.slopes import OBJECTIVES
from stages.priors.trained import HISTORY_FILE, SAMPLES, load_history, load_samples
from stages.report.latents import join_latent
from stages.report.schemas import (
    ACCURACY,
    COLUMNS,
    HISTORIES,
    OF_LOSSES,
    QUALITY,
    RESTARTS,
    SECONDS,
    SOLVERS,
    Columns,
    table_columns,
    task_columns,
)
from stages.restoration.observed import Observed, join, load_observed, load_whole
from stages.restoration.restored import (
    BY_INVERSION,
    BY_PRIOR,
    MAP,
    PLAIN,
    Restored,
    join_restored,
    load_by_prior,
    load_methods,
    load_restored,
    load_without_prior,
    methods_of,
)
from stages.restoration.task import load_task

METHODS: dict[str, Sequence[str]] = {  # whose rows a table must have, of every prior
    **dict.fromkeys(("inversion", "spectra", "features", "traits"), BY_INVERSION),
    **dict.fromkeys(("transfer", "noise"), (PLAIN, MAP)),
}


OF_PRIORS = ("training", "inversion", "spectra", "features", "traits", "jacobian")  # tables without rows of flows


@dataclass(frozen=True)
class Seen:
    """Observed images, and what one prior or all rivals made of them."""

    observed: Observed
    restored: Restored


@dataclass(frozen=True)
class Study:
    """The study of params.yaml. All of it raises UserError for a file that is missing, damaged or of another study."""

    params: Params

    @property
    def priors(self) -> list[str]:
        return self.params.priors

    @functools.cached_property
    def labelled(self) -> bool:
        """Whether the images have labels: without them, some columns, rows and panels are left out."""
        return load_whole().labels is not None

    # What the stages before `measure` have left.

    def history(self, prior: str) -> pd.DataFrame:
        """One row an epoch of a prior's training."""
        return load_history(prior)

    def flow_history(self, prior: str) -> pd.DataFrame:
        """How likely codes became while a flow was fitted to them."""
        return load_table(
            artifacts.training(artifacts.with_flow(prior), HISTORY_FILE),
            _nameless(table_columns("flows", self.labelled)),
        )

    def log_likelihoods(self, prior: str) -> pd.DataFrame:
        """log p(x) of each image under a prior, in nats and bits per dimension."""
        return load_bits(prior)

    def samples(self) -> dict[str, dict[int, np.ndarray]]:
        """prior -> epoch -> images (64, C, S, S), uint8; every prior has the same epochs."""
        samples = {prior: load_samples(prior) for prior in self.priors}
        first = next(iter(samples.values()))
        for prior, own in samples.items():
            if own.keys() != first.keys():
                raise UserError(
                    f"{artifacts.training(prior, SAMPLES)}: epochs {list(own)}, others {list(first)}: run `dvc repro`"
                )
        return samples

    def fidelity(self) -> pd.DataFrame:
        """How close each prior's images are to real ones, epoch by epoch."""
        columns = {"prior": WORD, **_nameless(table_columns("fidelity", self.labelled))}
        table = load_table(artifacts.FIDELITY, columns)
        if missing := [prior for prior in (*self.params.searched, NO_PRIOR) if prior not in set(table.prior)]:
            raise UserError(f"{artifacts.FIDELITY}: has no rows of {missing[0]}: run `dvc repro`")
        return table

    def bits(self) -> Arrays:
        """Bits per dimension (N,) under the flow over images, of each kind of images and of what each prior draws."""
        kinds = (*ALTERED, FLOW, *self.params.searched)
        return _arrays(artifacts.DENSITY / "bits.npz", kinds, Array("float32", ("N",)))

    def singular_values(self) -> Arrays:
        """prior -> singular values of its generator's Jacobian, from the largest, (codes, values)."""
        return _arrays(artifacts.DENSITY / "jacobian.npz", self.priors, Array("float64", ("codes", "values"), low=0))

    def accuracy(self) -> float | None:
        """The classifier's share of right labels on the test split; None without labels."""
        if not self.labelled:
            return None
        return load_numbers(artifacts.CLASSIFIER / "accuracy.json", ACCURACY)["test_accuracy"]

    def observed(self, task: str) -> Observed:
        """What is seen of the test images in a task."""
        return load_task(task, self.params)

    def by_prior(self, task: str, prior: str) -> Seen:
        """A task's observations, and what a prior restored from them."""
        observed = self.observed(task)
        return Seen(observed, load_methods(task, prior, observed))

    def by_rivals(self, task: str) -> Seen:
        """A task's observations, what each rival restored from them, and the observed images themselves."""
        observed = self.observed(task)
        return Seen(observed, _nothing_and(load_without_prior(task, self.params.rivals[task], observed), observed))

    def labels(self, task: str, prior: str, seen: Seen) -> Labels:
        """method -> what the classifier sees in its images (N,); None without labels."""
        if seen.observed.labels is None:
            return None
        return load_labels(task, prior, seen.restored.images, len(seen.observed.images))

    def real(self) -> Seen:
        """The real images that are inverted, themselves."""
        observed = load_whole()
        return Seen(observed, _nothing_and(Restored({}), observed))

    def inverted(self, prior: str) -> Seen:
        """The images that a prior drew itself and then the real ones, inverted by it. They have no labels yet."""
        real, own = load_whole(), load_observed(artifacts.generated(prior))
        inverted = (load_by_prior(artifacts.GENERATED, prior, own), load_by_prior(artifacts.INVERSION, prior, real))
        return Seen(join(own, real), join_restored(*inverted))

    def inverted_labels(self, prior: str) -> Labels:
        """method -> labels (N,) of what `inverted` gives; those of the images themselves under `observed`.

        None where the real images have no labels.
        """
        real = load_whole()
        if real.labels is None:
            return None
        count = len(load_observed(artifacts.generated(prior)).images)
        of_own = load_labels(artifacts.GENERATED, prior, (UNRESTORED, *BY_INVERSION), count)
        of_real = load_labels(artifacts.INVERSION, prior, BY_INVERSION, len(real.images)) | {UNRESTORED: real.labels}
        return {method: np.concatenate([labels, of_real[method]]) for method, labels in of_own.items()}

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

    def modes(self) -> pd.DataFrame:
        """How many modes each pair of small networks covers, in each order."""
        return load_table(artifacts.JUDGED_MODES, COLUMNS["modes"])

    def inner_minimum(self) -> pd.DataFrame:
        """How generators fare against discriminators that stay as they are."""
        return load_table(artifacts.MODES / "inner_minimum.csv", COLUMNS["inner_minimum"])

    def played(self) -> Arrays:
        """Samples of all pairs of small networks, at the end and on the way."""
        return load_played()

    def saturation(self) -> pd.DataFrame:
        """What reached frozen generators while discriminators learned."""
        return load_table(artifacts.SATURATION / "gradients.csv", OF_LOSSES["saturation"])

    def reached_logits(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        """objective -> the fake logits (N,) that discriminators had reached in the end, and dL/dl there by autograd."""
        schema = {f"{kind}_{name}": Array("float32", ("N",)) for kind in ("logits", "slopes") for name in OBJECTIVES}
        arrays = load_arrays(artifacts.SATURATION / "logits.npz", schema)
        return {name: (arrays[f"logits_{name}"], arrays[f"slopes_{name}"]) for name in OBJECTIVES}

    def small_gans(self) -> pd.DataFrame:
        """Histories of small GANs, a row a generator step."""
        return load_table(artifacts.SATURATION_GRID / "histories.csv", HISTORIES)

    def small_fidelity(self) -> pd.DataFrame:
        """How good small GANs were in the end, a row a run."""
        return load_table(artifacts.SMALL_FIDELITY, QUALITY)

    def small_samples(self) -> dict[str, np.ndarray]:
        """`run_name` -> images (n, C, S, S), uint8, of each cell's first run."""
        return load_small_samples("shown.npz")

    # What `measure` has left.

    def table_of_losses(self, name: str) -> pd.DataFrame:
        """A table of metrics/ that is of the objectives of GANs and not of priors."""
        return load_table(artifacts.table(name), OF_LOSSES[name])

    def table(self, name: str) -> pd.DataFrame:
        """A table of metrics/ that is not of one task; a prior with its flow is named as `artifacts.with_flow` does."""
        table = load_table(artifacts.table(name), table_columns(name, self.labelled))
        return self._complete(table, name, METHODS.get(name, (None,))) if "prior" in table else table

    def task_table(self, task: str) -> pd.DataFrame:
        """metrics/<task>.csv; a prior with its flow is named as `artifacts.with_flow` does."""
        observed = self.observed(task)
        columns = task_columns(
            observed.condition_name, hides=observed.hidden is not None, labelled=observed.labels is not None
        )
        return self._complete(load_table(artifacts.table(task), columns), task, (*BY_PRIOR, COMBINED))

    def _complete(self, table: pd.DataFrame, name: str, methods: Sequence[str | None]) -> pd.DataFrame:
        """The table. Raises UserError unless it has rows of every prior by each method, and of no other task."""
        table = join_latent(table)
        if name == "norms":
            priors = [self.params.usual_prior]
        elif name == "flows":
            priors = [with_flow(prior) for prior in self.params.flows]
        else:
            priors = self.priors if name in OF_PRIORS else self.params.searched
        wanted = [
            (prior, method)
            for prior in priors
            for method in methods
            if method != PLAIN or name in OF_PRIORS or method in methods_of(prior)
        ]
        if name == "fidelity":
            wanted.append((NO_PRIOR, None))
        named = table["images" if name == "density" else "prior"]
        for prior, method in wanted:
            if not ((named == prior) & (True if method is None else table.get("method") == method)).any():
                of = prior if method is None else f"{prior} {method}"
                raise UserError(f"{artifacts.table(name)}: has no rows of {of}: run `dvc repro`")
        if foreign := [task for task in table.get("task", ()) if task not in self.params.tasks]:
            raise UserError(f"{artifacts.table(name)}: has rows of the task {foreign[0]}: run `dvc repro`")
        return table


def _nameless(columns: Columns) -> Columns:
    """The columns but those that say of which prior and latent a row is."""
    return {name: cell for name, cell in columns.items() if name not in ("prior", "latent")}


def _arrays(path: Path, names: Sequence[str], expected: Array) -> Arrays:
    """The arrays of these names, in this order, from a file of such arrays."""
    arrays = load_arrays(path, dict.fromkeys(names, expected), lambda _: expected)
    return {name: arrays[name] for name in names}


def _nothing_and(restored: Restored, observed: Observed) -> Restored:
    """The observed images as one more method beside those that restore."""
    return Restored({UNRESTORED: observed.observation.y} | restored.images)
