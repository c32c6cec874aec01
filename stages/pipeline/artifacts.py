"""The one place that knows where files lie. The module that writes a file says what is in it."""

from pathlib import Path

CHECKED = Path("data/checked.json")
PREPARED = Path("data/prepared")
CLASSIFIER = Path("data/classifier")
PRIORS = Path("data/priors")  # <prior>.safetensors, the generator; <prior>-flow.safetensors, the flow over its codes
TRAINING = Path("data/training")  # <prior>/: generator_<epoch>.safetensors, samples.npz, history.csv, ...
FIDELITY = Path("data/judged/fidelity.csv")
SMALL_FIDELITY = Path("data/judged/small_gans.csv")
OBSERVED = Path("data/observed")
UNET = Path("data/unet/unet.safetensors")
MISFIT = Path("data/misfit")  # <prior>.json
RESTORED = Path("data/restored")
TUNED = Path("data/tuned")  # the same of validation images
COMBINATIONS = Path("data/combined")  # <task>/<prior>.npz, none.npz of the rivals alone, weights.csv
LABELS = Path("data/labels")
NORMS = Path("data/norms")  # observed.npz, restored.npz
GLOW = Path("data/glow")  # glow.safetensors, history.csv
DENSITY = Path("data/density")  # bits.npz, jacobian.npz
LIKELIHOOD = Path("data/likelihood")  # <prior>.csv, <prior>-flow.csv
SOLVERS = Path("data/solvers")  # solvers.csv, seconds.csv, restarts.csv
MODES = Path("data/modes")  # samples.npz, inner_minimum.csv
JUDGED_MODES = Path("data/judged_modes/modes.csv")
SATURATION = Path("data/saturation")  # gradients.csv, logits.npz
SATURATION_GRID = Path("data/saturation_grid")  # histories.csv, samples.npz, shown.npz
METRICS = Path("metrics")
FIGURES = Path("plots/figures")
REPORT = Path("plots/report.html"), Path("plots/report.pdf")
LONG_RUNS = Path("data/long_runs")  # tables of runs that take too long for the study, in git

INVERSION = "inversion"  # the task of images that are seen whole; the others are those of params.yaml
GENERATED = "generated"  # the task of images that each prior drew itself, also seen whole
NORMAL, FLOW = "normal", "flow"  # latents: what codes are drawn from
NO_PRIOR = "none"  # the prior of what has none: rivals, and the observed image itself
UNRESTORED = "observed"  # the method that restores nothing
COMBINED = "combined"  # the method of a prior's posterior mean and all rivals, or of the rivals alone, put together
ALTERED = ("test", "upside_down", "shuffled", "inverted", "noise", "blurred", "blank")  # images that `density` measures
TABLES = (  # of metrics/, beside one for each task
    "columns",  # what the columns of the others mean
    "training",
    "fidelity",
    "flows",
    "density",
    "jacobian",
    "likelihood",
    "inversion",
    "paired",
    "calibration",
    "norms",
    "spectra",
    "transfer",
    "noise",
    "features",
    "traits",
    "modes",
    "inner_minimum",
    "saturation",
    "saturation_falls",
    "saturation_grid",
)


def split(name: str) -> Path:
    """Where the images of `train`, `validation` or `test` stand among all, and their labels."""
    return PREPARED / f"{name}.npz"


def images() -> Path:
    """All images, of sets that are not used from an .npy of their own."""
    return PREPARED / "images.npy"


def images_used() -> Path:
    """Which file holds the images: `images`, or `data.path` of params.yaml."""
    return PREPARED / "images.json"


def generator(prior: str) -> Path:
    """The trained generator of a prior."""
    return PRIORS / f"{prior}.safetensors"


def training(prior: str, file: str) -> Path:
    """A file in data/training/<prior>/, or in data/training/<prior>-flow/: what training leaves beside the network."""
    return TRAINING / prior / file


def with_flow(prior: str) -> str:
    """`<prior>-flow`: the name of a prior whose codes come from its flow. Tables in metrics/ split it into columns."""
    return f"{prior}-{FLOW}"


def prior_and_latent(name: str) -> tuple[str, str]:
    """(prior, latent) of a name that may be `with_flow`'s; `none` has the latent `none`."""
    prior, _, flow = name.partition("-")
    return prior, NO_PRIOR if prior == NO_PRIOR else flow or NORMAL


def flow(prior: str) -> Path:
    """The flow that was fitted to a prior's codes."""
    return PRIORS / f"{with_flow(prior)}.safetensors"


def misfit(prior: str) -> Path:
    """What a prior's generator cannot draw, with a flow or without."""
    return MISFIT / f"{prior_and_latent(prior)[0]}.json"


def likelihood(prior: str) -> Path:
    """log p(x) of each image under a prior, or under one with its flow."""
    return LIKELIHOOD / f"{prior}.csv"


def observed(task: str) -> Path:
    """What is seen of the test images in a task."""
    return OBSERVED / f"{task}.npz"


def tuning(task: str) -> Path:
    """What is seen of validation images in a task: rivals' settings and the weights of combinations hang on them."""
    return OBSERVED / "tuning" / f"{task}.npz"


def generated(prior: str) -> Path:
    """The images that a prior drew itself, to be inverted."""
    return OBSERVED / GENERATED / f"{prior}.npz"


def restored_by_prior(task: str, prior: str) -> Path:
    """What a prior made of a task's observations."""
    return RESTORED / task / f"{prior}.npz"


def restored_by_rivals(task: str) -> Path:
    """The folder of what rivals made of a task's observations: <rival>.npz, and settings.csv."""
    return RESTORED / task / "rivals"


def restored_by_rival(task: str, rival: str) -> Path:
    """What a rival made of a task's observations."""
    return restored_by_rivals(task) / f"{rival}.npz"


def tuned_by_prior(task: str, prior: str) -> Path:
    """What a prior made of what is seen of validation images in a task."""
    return TUNED / task / f"{prior}.npz"


def tuned_by_rivals(task: str) -> Path:
    """The folder of what rivals made of them: <rival>.npz."""
    return TUNED / task / "rivals"


def combined(task: str, prior: str) -> Path:
    """What a prior and the rivals made of a task's observations, put together; `none`: the rivals alone."""
    return COMBINATIONS / task / f"{prior}.npz"


def labels(task: str) -> Path:
    """What the classifier sees in a task's images."""
    return LABELS / f"{task}.npz"


def table(name: str) -> Path:
    """A table that people read."""
    return METRICS / f"{name}.csv"
