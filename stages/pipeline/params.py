"""params.yaml: what each key may be. Every stage reads it whole, so that a mistake stops whichever stage runs first.

The grids of tasks are checked by the tasks themselves, and what only the images can tell (how many there are, whether a
window fits) by the stage `check`.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from stages.pipeline import named
from stages.pipeline.artifacts import (
    ALTERED,
    COMBINED,
    FLOW,
    GENERATED,
    INVERSION,
    NO_PRIOR,
    TABLES,
    UNRESTORED,
    with_flow,
)
from stages.pipeline.errors import UserError

PARAMS_FILE = Path("params.yaml")
PACKAGES = {"bm3d": "bm3d"}  # what a rival needs that not everybody may install
LEAST_SIGMA = 1e-3  # far below what an 8-bit image can show


def _distinct(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError("each value once")
    return values


def _ascending(values: list) -> list:
    if values != sorted(set(values)):
        raise ValueError("each value once, in rising order")
    return values


def _no_trace(sigma: float) -> float:
    if 0 < sigma < LEAST_SIGMA:
        raise ValueError(f"0 or at least {LEAST_SIGMA}")
    return sigma


def _none_of(*taken: str) -> AfterValidator:
    """A name that does not already mean something in tables and paths."""

    def check(name: str) -> str:
        if name in taken:
            raise ValueError(f"the name is taken; give the module another than {', '.join(taken)}")
        return name

    return AfterValidator(check)


def _among(folder: str) -> AfterValidator:
    """A name that has a module in the folder."""

    def check(name: str) -> str:
        if name not in (known := named.names(folder)):
            raise ValueError(f"allowed are {', '.join(known)} (the modules of {folder})")
        return name

    return AfterValidator(check)


Count = Annotated[int, Field(ge=1, le=10**9)]
Counts = Annotated[list[Count], Field(min_length=1), AfterValidator(_ascending)]
Rate = Annotated[float, Field(gt=0, le=1)]
Sigmas = Annotated[
    list[Annotated[float, Field(ge=0, le=10), AfterValidator(_no_trace)]],
    Field(min_length=1),
    AfterValidator(_ascending),
]
Shares = Annotated[list[Annotated[float, Field(gt=0, lt=1)]], Field(min_length=1), AfterValidator(_ascending)]
LossName = Annotated[str, _among(named.LOSSES), _none_of(NO_PRIOR, FLOW, *ALTERED)]
TaskName = Annotated[str, _among(named.TASKS), _none_of(INVERSION, GENERATED, *TABLES)]
RivalName = Annotated[str, _among(named.RIVALS), _none_of(UNRESTORED, COMBINED)]
SourceName = Annotated[str, _among(named.SOURCES)]


class Group(BaseModel):
    """A group of keys: unknown ones are refused, types are not converted, NaN and infinity are no numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Data(Group):
    name: SourceName
    path: Annotated[str, Field(min_length=1)]
    size: Count | None
    split: Literal["random", "in_order"]
    validation: Count
    test: Count | None


class Classify(Group):
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Rate


class Train(Group):
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]  # BatchNorm has no variance over one image
    discriminator_steps: Count
    learning_rate: Rate
    beta1: Annotated[float, Field(ge=0, lt=1)]
    beta2: Annotated[float, Field(ge=0, lt=1)]
    latent_dim: Count
    width: Count
    sample_epochs: Annotated[list[Count], AfterValidator(_ascending)]


class FlowFit(Group):
    encoder_epochs: Count
    refine_steps: Annotated[int, Field(ge=2, le=10**9)]
    batch_size: Count
    steps: Count
    learning_rate: Rate
    couplings: Count
    width: Count


class GlowFit(Group):
    steps: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Rate
    steps_per_level: Count
    width: Count


class UnetFit(Group):
    steps: Count
    batch_size: Annotated[int, Field(ge=4)]
    learning_rate: Rate
    width: Annotated[
        int, Field(ge=16, multiple_of=16)
    ]  # so that GroupNorm's groups have as many channels at each level


class Judge(Group):
    samples: Annotated[int, Field(ge=10)]  # the nearest-neighbour measures look at 5 neighbours


class PlainSearch(Group):
    learning_rate: Rate
    steps: Count


class MapSearch(Group):
    samples: Count
    restarts: Count
    explore_steps: Count
    whitened_steps: Count
    steps: Count
    learning_rate: Rate
    ramp_down: Annotated[float, Field(ge=0, le=1)]

    @model_validator(mode="after")
    def _enough_samples(self) -> Self:
        if self.restarts > self.samples:
            raise ValueError(f"restarts = {self.restarts}: allowed are at most samples = {self.samples}")
        return self


class Posterior(Group):
    steps: Count
    burn_in: Annotated[int, Field(ge=0)]
    temperature: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _enough_steps(self) -> Self:
        if self.steps < self.burn_in + 4:  # two halves of each chain, with a variance
            raise ValueError(f"steps = {self.steps}: allowed are at least burn_in + 4 = {self.burn_in + 4}")
        return self


class Search(Group):
    plain: PlainSearch
    map: MapSearch
    posterior: Posterior


class Invert(Group):
    patience: Count
    walks: Annotated[list[Count], Field(min_length=1)]


class Density(Group):
    images: Annotated[int, Field(ge=2)]  # a table's interval needs a spread
    codes: Count


class Likelihood(Group):
    images: Annotated[int, Field(ge=2)]  # a table's interval needs a spread
    simulated: Annotated[int, Field(ge=2)]
    validation: Count
    rounds: Count
    chains: Count
    temperatures: Annotated[int, Field(ge=2)]  # the pilot chains need one between the ends
    leapfrogs: Count


class Norms(Group):
    images: Count
    sigmas: Sigmas
    holes: Annotated[list[Count], AfterValidator(_ascending)]
    window: Count
    restarts: Count
    salt_and_pepper: Annotated[float, Field(gt=0, lt=1)]


class Solvers(Group):
    images: Count
    adam_steps: Counts
    newton_steps: Counts
    restarts: Counts


class Modes(Group):
    seeds: Count
    steps: Count
    discriminator_steps: Annotated[int, Field(ge=2)]  # with 1, two orders are one
    generator_steps: Annotated[int, Field(ge=2)]
    batch_size: Count
    learning_rate: Rate
    width: Count
    components: Annotated[int, Field(ge=2)]
    inner_minimum_steps: Count


class Saturate(Group):
    seeds: Count
    at: Counts
    codes: Annotated[int, Field(ge=2)]  # BatchNorm has no variance over one image
    batch_size: Annotated[int, Field(ge=2)]
    width: Count


class SaturateGrid(Group):
    discriminator_steps: Counts
    optimisers: Annotated[list[Literal["adam", "sgd"]], Field(min_length=1), AfterValidator(_distinct)]
    batch_norm: Annotated[list[bool], Field(min_length=1), AfterValidator(_distinct)]
    seeds: Count
    generator_steps: Count
    batch_size: Annotated[int, Field(ge=2)]
    width: Count
    sgd_learning_rate: Rate
    sgd_momentum: Annotated[float, Field(ge=0, lt=1)]
    samples: Annotated[int, Field(ge=16)]  # the figure shows so many


class Saturated(Group):
    gradient_ratio: Rate
    d_accuracy: Annotated[float, Field(ge=0, le=1)]
    last: Rate


class Measure(Group):
    bootstrap: Annotated[int, Field(ge=100)]


class Params(Group):
    """All of params.yaml but for the grids of tasks; one attribute for each top-level key."""

    seed: Annotated[int, Field(ge=0, lt=1 << 63)]
    data: Data
    priors: Annotated[list[LossName], Field(min_length=1), AfterValidator(_distinct)]
    flows: Annotated[list[LossName], AfterValidator(_distinct)]
    tasks: Annotated[list[TaskName], Field(min_length=1), AfterValidator(_distinct)]
    rivals: dict[TaskName, Annotated[list[RivalName], AfterValidator(_distinct)]]
    images: Annotated[int, Field(ge=2)]  # a table's interval needs a spread
    classify: Classify
    train: Train
    flow: FlowFit
    glow: GlowFit
    unet: UnetFit
    judge: Judge
    search: Search
    invert: Invert
    density: Density
    likelihood: Likelihood
    norms: Norms
    solvers: Solvers
    modes: Modes
    saturate: Saturate
    saturate_grid: SaturateGrid
    saturated: Saturated
    measure: Measure
    grids: dict[str, dict[str, Any]]  # task -> its own top-level key, which the task itself checks

    @model_validator(mode="after")
    def _enough_samples_for_norms(self) -> Self:
        if self.norms.restarts > (samples := self.search.map.samples):
            raise ValueError(
                f"norms.restarts = {self.norms.restarts}: allowed are at most search.map.samples = {samples}"
            )
        return self

    @model_validator(mode="after")
    def _no_name_twice(self) -> Self:
        if shared := sorted({rival for own in self.rivals.values() for rival in own} & set(self.priors)):
            raise ValueError(f"rivals = {shared[0]!r}: allowed is no name of a prior, since tables have both")
        return self

    @model_validator(mode="after")
    def _flows_of_priors(self) -> Self:
        if foreign := [prior for prior in self.flows if prior not in self.priors]:
            raise ValueError(f"flows = {foreign[0]!r}: allowed are {', '.join(self.priors)} (priors)")
        return self

    @property
    def searched(self) -> list[str]:
        """What images are restored with: each prior, and behind it the same with a flow if it is among `flows`."""
        return [name for prior in self.priors for name in (prior, *([with_flow(prior)] if prior in self.flows else []))]

    @property
    def usual_prior(self) -> str:
        """The one prior of side studies and of figures that show one: non_saturating if it is listed, else the last."""
        return "non_saturating" if "non_saturating" in self.priors else self.priors[-1]

    @property
    def default_prior(self) -> str:
        """What restores a person's own picture, and README's first one: the VAE with its flow if it is there, else the
        usual one. A choice and not a measurement."""
        best = with_flow("vae")
        return best if best in self.searched else self.usual_prior


Checked = TypeVar("Checked", bound=Group)


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check every parameter. Raises UserError naming each bad key, its value and what is allowed."""
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run from the top of the project") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as text: {error}") from None
    except _GivenTwiceError as error:
        raise UserError(f"{path}: {error}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    if isinstance(content, dict):
        if "grids" in content:
            raise UserError(f"{path}: grids is not a parameter")
        tasks = named.names(named.TASKS)
        grids = {task: content.pop(task) for task in tasks if task in content}
        for task, grid in grids.items():
            if not isinstance(grid, dict):
                raise UserError(f"{path}: {task} = {grid!r}: allowed is a group of keys")
        content["grids"] = grids
    params = checked(Params, content, path=path)
    for task in params.tasks:
        if task not in params.grids:
            raise UserError(f"{path}: {task} is missing: the grid of this task")
        if task not in params.rivals:
            raise UserError(f"{path}: rivals.{task} is missing: [] for none")
    missing = missing_rivals()
    rivals = {task: [rival for rival in own if rival not in missing] for task, own in params.rivals.items()}
    return params.model_copy(update={"rivals": rivals})


def missing_rivals() -> list[str]:
    """The rivals whose package is not installed: whatever params.yaml says, the study is without them."""
    return [rival for rival, package in PACKAGES.items() if importlib.util.find_spec(package) is None]


def checked(kind: type[Checked], content: object, key: str = "", path: Path = PARAMS_FILE) -> Checked:
    """`content` as a group of keys, which stands under `key`. Raises UserError naming each bad key."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems = [_explain(dict(problem), key) for problem in error.errors()]
        raise UserError(f"{path}: {'; '.join(problems)}") from None


def _explain(problem: Mapping[str, Any], prefix: str) -> str:
    """One pydantic problem as `key = value: what is allowed`."""
    key = ".".join(str(part) for part in (*([prefix] if prefix else []), *problem["loc"]))
    allowed = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "missing":
        return f"{key} is missing"
    if problem["type"] == "extra_forbidden":
        return f"{key} is not a parameter"
    if not key:
        return allowed
    if isinstance(problem["input"], dict) and problem["type"] == "value_error":  # of several keys together
        return f"{key}.{allowed}"
    text = f"{key} = {problem['input']!r}: {allowed[0].lower()}{allowed[1:]}"
    if problem["type"] == "float_type" and isinstance(problem["input"], str):
        text += " (YAML reads 2e-4 as text: write 0.0002)"
    return text


class _GivenTwiceError(Exception):
    """A key stands twice in one group."""


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice, of which PyYAML would silently keep the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]  # type: ignore[no-untyped-call]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise _GivenTwiceError(f"{', '.join(twice)} given twice near line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep=deep)
