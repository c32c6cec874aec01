"""params.yaml, checked as a whole by every stage before it does anything."""

from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from stages.pipeline.artifacts import RAW
from stages.pipeline.errors import UserError
from stages.pipeline.mnist import idx_shape

PARAMS_FILE = Path("params.yaml")

Loss = Literal["minimax", "non_saturating", "least_squares"]
Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(gt=0, le=1)]


def _distinct(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError("each value once")
    return values


def _ascending(values: list) -> list:
    if values != sorted(set(values)):
        raise ValueError("each value once, in rising order")
    return values


def _some_noise(values: list[float]) -> list[float]:
    if not any(values):
        raise ValueError("one of them above 0")
    return values


Counts = Annotated[list[Count], Field(min_length=1), AfterValidator(_ascending)]


class _Group(BaseModel):
    """A group of keys: unknown ones are refused, types are not converted, NaN and infinity are no numbers."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Prepare(_Group):
    validation: Count


class Classify(_Group):
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]
    learning_rate: Rate


class Train(_Group):
    epochs: Count
    batch_size: Annotated[int, Field(ge=2)]  # BatchNorm has no variance over one image
    discriminator_steps: Count
    learning_rate: Rate
    beta1: Annotated[float, Field(ge=0, lt=1)]
    beta2: Annotated[float, Field(ge=0, lt=1)]
    latent_dim: Count
    width: Count
    sample_epochs: Annotated[list[Count], AfterValidator(_ascending)]


class Judge(_Group):
    samples: Annotated[int, Field(ge=10)]  # the nearest-neighbour measures look at 5 neighbours


class PlainSearch(_Group):
    learning_rate: Rate
    steps: Count


class MapSearch(_Group):
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


class Posterior(_Group):
    steps: Count
    burn_in: Annotated[int, Field(ge=0)]
    temperature: Annotated[float, Field(gt=0)]

    @model_validator(mode="after")
    def _enough_steps(self) -> Self:
        if self.steps < self.burn_in + 4:  # two halves of each chain, with a variance
            raise ValueError(f"steps = {self.steps}: allowed are at least burn_in + 4 = {self.burn_in + 4}")
        return self


class Search(_Group):
    plain: PlainSearch
    map: MapSearch
    posterior: Posterior


class Invert(_Group):
    patience: Count
    walks: Annotated[list[Count], Field(min_length=1)]


class Denoise(_Group):
    sigmas: Annotated[
        list[Annotated[float, Field(ge=0, le=10)]],
        Field(min_length=1),
        AfterValidator(_ascending),
        AfterValidator(_some_noise),
    ]


class Inpaint(_Group):
    holes: Counts
    window: Count


class Norms(_Group):
    images: Count
    restarts: Count
    salt_and_pepper: Annotated[float, Field(gt=0, lt=1)]


class Solvers(_Group):
    images: Count
    adam_steps: Counts
    newton_steps: Counts
    restarts: Counts


class Measure(_Group):
    bootstrap: Annotated[int, Field(ge=100)]


class Params(_Group):
    """All of params.yaml; one attribute for each top-level key."""

    seed: Annotated[int, Field(ge=0)]
    losses: Annotated[list[Loss], Field(min_length=1), AfterValidator(_distinct)]
    images: Count
    prepare: Prepare
    classify: Classify
    train: Train
    judge: Judge
    search: Search
    invert: Invert
    denoise: Denoise
    inpaint: Inpaint
    norms: Norms
    solvers: Solvers
    measure: Measure

    @model_validator(mode="after")
    def _enough_samples_for_norms(self) -> Self:
        if self.norms.restarts > (samples := self.search.map.samples):
            raise ValueError(
                f"norms.restarts = {self.norms.restarts}: allowed are at most search.map.samples = {samples}"
            )
        return self


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML that refuses a key given twice, of which PyYAML would silently keep the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=deep) for key, _ in node.value]
        twice = sorted({str(key) for key in keys if keys.count(key) > 1})
        if twice:
            raise UserError(f"{PARAMS_FILE}: {', '.join(twice)} given twice near line {node.start_mark.line + 1}")
        return super().construct_mapping(node, deep=deep)


def load_params(path: Path = PARAMS_FILE) -> Params:
    """Read and check every parameter, also against the raw images.

    Raises UserError naming each bad key, its value and what is allowed.
    """
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; run from the top of the project") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not readable as text: {error}") from None
    except yaml.YAMLError as error:
        raise UserError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    try:
        params = Params.model_validate(content)
    except ValidationError as error:
        raise UserError(f"{path}: " + "; ".join(_explain(problem) for problem in error.errors())) from None
    _check_data(params, path)
    return params


def _explain(problem: dict) -> str:
    """One pydantic problem as `key = value: what is allowed`."""
    key = ".".join(str(part) for part in problem["loc"])
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


def _check_data(params: Params, path: Path) -> None:
    """Check what only the data can tell: the counts and sizes that the images allow."""
    (training, image_size, _), (test, _, _) = idx_shape(RAW, "train"), idx_shape(RAW, "t10k")
    kept = training - params.prepare.validation
    at_most = {
        "prepare.validation": (params.prepare.validation, training - 1),
        "train.batch_size": (params.train.batch_size, kept),
        "train.discriminator_steps": (params.train.discriminator_steps, kept // params.train.batch_size),
        "judge.samples": (params.judge.samples, kept),
        "images": (params.images, min(kept, params.prepare.validation, test)),
        "norms.images": (params.norms.images, test),
        "solvers.images": (params.solvers.images, params.prepare.validation),
        "inpaint.window": (params.inpaint.window, image_size),
        "inpaint.holes": (max(params.inpaint.holes), (image_size // params.inpaint.window) ** 2),
    }
    for key, (value, limit) in at_most.items():
        if value > limit:
            raise UserError(f"{path}: {key} = {value}: allowed with these images is at most {limit}")
