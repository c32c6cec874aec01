"""The columns of every table in metrics/, and what may stand in them, of images with labels and without."""

from collections.abc import Mapping

from stages.pipeline.storage import WORD, Number
from stages.priors.trained import HISTORY

Columns = Mapping[str, Number | str]
Cells = dict[str, Number | str]

ANY, COUNT, POSITIVE, SHARE = Number(), Number(low=1), Number(low=0), Number(low=0, high=1)
EMPTY = Number(empty=True)  # what is infinite or undefined leaves its cell empty: the PSNR of an image with itself, say
EMPTY_POSITIVE = Number(low=0, empty=True)
EMPTY_SHARE = Number(low=0, high=1, empty=True)
SSIM = Number(low=-1, high=1)


def _with_interval(name: str, cell: Number) -> Cells:
    return {name: cell, f"{name}_low": cell, f"{name}_high": cell}


def _of_seeds(name: str) -> Cells:
    """A median over seeds, their least and their most; empty where a gradient is exactly zero."""
    return _with_interval(name, EMPTY)


PRIOR: Cells = {"prior": WORD, "latent": WORD}
RESTORER: Cells = PRIOR | {"method": WORD}
GAME: Cells = {"data": WORD, "loss": WORD, "order": WORD, "seed": POSITIVE}  # of two small networks
PSNR = _with_interval("psnr", EMPTY)

OF_LABELS = ("label_accuracy", "classes_covered", "class_entropy")  # columns, of any table, of images with labels

MODEL: Cells = {"model": WORD, "images": WORD}
BETWEEN: Cells = {"low": ANY, "high": ANY, "n": COUNT}

COLUMNS: dict[str, Columns] = {
    "training": PRIOR | HISTORY,
    "fidelity": PRIOR
    | {
        "epoch": Number(low=1, empty=True),  # of real images there is none
        "frechet_distance": ANY,
        "precision": SHARE,
        "recall": SHARE,
        "density": POSITIVE,
        "coverage": SHARE,
        "classes_covered": POSITIVE,
        "class_entropy": POSITIVE,
    },
    "inversion": RESTORER
    | {"source": WORD, "n": COUNT}
    | PSNR
    | {"mse": POSITIVE, "ssim": SSIM, "recovered": SHARE, "label_accuracy": SHARE, "z_norm": EMPTY_POSITIVE},
    "paired": RESTORER
    | {"task": WORD, "against": WORD, "condition": ANY, "n": COUNT}
    | _with_interval("difference", ANY),
    "calibration": PRIOR
    | {"task": WORD, "condition": ANY, "n": COUNT}
    | _with_interval("coverage_50", SHARE)
    | _with_interval("coverage_90", SHARE)
    | {"std": POSITIVE, "r_hat": POSITIVE, "converged": SHARE, "effective_chains": POSITIVE},
    "norms": PRIOR | {"corruption": WORD, "norm": WORD, "with_prior": WORD, "n": COUNT, **PSNR},
    "flows": PRIOR | {"step": COUNT, "train": ANY, "validation": ANY, "normal": ANY},
    "density": MODEL | {"bits_per_dim": ANY, **BETWEEN},
    "jacobian": PRIOR | {"index": COUNT, "singular_value": POSITIVE, **BETWEEN},
    "likelihood": PRIOR
    | {"noise": WORD, "floor": POSITIVE, "slope": POSITIVE, "least_bits": ANY}
    | {"images": WORD, "bound": WORD, "n": COUNT}
    | _with_interval("nats", ANY)
    | {"bits_per_dim": ANY, "low": ANY, "high": ANY},
    "spectra": RESTORER
    | {"source": WORD, "frequency": POSITIVE}
    | {
        "image_power": POSITIVE,
        "restored_power": POSITIVE,
        "residual_power": POSITIVE,
        "residual_share": EMPTY_POSITIVE,
    },
    "transfer": RESTORER | {"sigma": POSITIVE, "frequency": POSITIVE, "signal_gain": EMPTY, "noise_gain": EMPTY},
    "noise": RESTORER
    | {"sigma": POSITIVE, "n": COUNT, "signal_gain": EMPTY, "noise_gain": EMPTY, "linear_gain": POSITIVE}
    | {"degrees_of_freedom": EMPTY, "energy_share": EMPTY_POSITIVE},
    "features": RESTORER
    | {"source": WORD, "feature": WORD, "value": WORD, "n": COUNT}
    | PSNR
    | {"mse": POSITIVE, "residual_share": EMPTY_POSITIVE, "share_of_error": EMPTY_POSITIVE, "share_of_pixels": SHARE},
    "modes": GAME
    | {"modes": POSITIVE, "good_share": SHARE, "kl_uniform": POSITIVE, "visited": POSITIVE}
    | {"even_share": EMPTY_SHARE},
    "inner_minimum": GAME
    | {"highest": ANY, "best": ANY, "reached": ANY, "excess": ANY, "at_highest": SHARE, "spread": POSITIVE}
    | {"d_loss": POSITIVE, "constant": POSITIVE},
    "traits": RESTORER | {"source": WORD, "trait": WORD, "n": COUNT, "kept": EMPTY},
}

OF_LOSSES: dict[str, Columns] = {  # tables of objectives of GANs, not of priors
    "saturation": {
        "objective": WORD,
        "age": POSITIVE,
        "seed": POSITIVE,
        "d_step": COUNT,
        "fake_logit": ANY,
        "d_accuracy": SHARE,
        "loss_slope": POSITIVE,
        "logit_grad_norm": POSITIVE,
        "g_grad_norm": POSITIVE,
        "largest_slope": POSITIVE,
        "sample_grad_norm": POSITIVE,
        "loss_by_output": POSITIVE,
        "output_by_logit": POSITIVE,
    },
    "saturation_falls": {
        "objective": WORD,
        "age": POSITIVE,
        "seeds": COUNT,
        "d_steps": COUNT,
        **_of_seeds("g_grad_fall"),
        **_of_seeds("loss_slope_fall"),
        **_of_seeds("logit_grad_fall"),
        "d_accuracy": SHARE,
        "loss_by_output": POSITIVE,
        "output_by_logit": POSITIVE,
        "bounded": SHARE,
        "bounded_by_mean": SHARE,
    },
    "saturation_grid": {
        "loss": WORD,
        "discriminator_steps": COUNT,
        "optimiser": WORD,
        "batch_norm": WORD,
        "seeds": COUNT,
        "saturated": POSITIVE,
        "diverged": POSITIVE,
        "gradient_ratio": EMPTY_POSITIVE,  # from here on empty where all runs diverged
        "update_ratio": EMPTY_POSITIVE,
        "loss_slope": EMPTY_POSITIVE,
        "d_accuracy": EMPTY_SHARE,
        "frechet_distance": EMPTY,
        "coverage": EMPTY_SHARE,
    },
}


def table_columns(name: str, labelled: bool) -> Columns:
    """The columns of a table that is not of one task, of images with labels or without."""
    return COLUMNS[name] if labelled else _without_labels(COLUMNS[name])


def task_columns(condition: str, hides: bool, labelled: bool) -> Columns:
    """The columns of a task's table, whose conditions are told apart by the column `condition`."""
    cell = RESTORER | {condition: ANY, "n": COUNT}
    if hides:
        quality = _with_interval("hole_psnr", EMPTY) | {"hole_mse": EMPTY_POSITIVE, "psnr": EMPTY, "known_psnr": EMPTY}
    else:
        quality = PSNR | {"mse": POSITIVE}
    rest = {"ssim": SSIM} if hides else {"ssim": SSIM, "observed_psnr": EMPTY}
    columns = cell | quality | rest | {"label_accuracy": SHARE}
    return columns if labelled else _without_labels(columns)


def _without_labels(columns: Columns) -> Columns:
    return {name: cell for name, cell in columns.items() if name not in OF_LABELS}


HISTORIES: Columns = {  # of small GANs
    "loss": WORD,
    "discriminator_steps": COUNT,
    "optimiser": WORD,
    "batch_norm": WORD,
    "seed": POSITIVE,
    "g_step": COUNT,
    "d_accuracy": EMPTY_SHARE,  # empty from where a run diverged
    "loss_slope": EMPTY_POSITIVE,
    "g_grad_norm": EMPTY_POSITIVE,
    "update_norm": EMPTY_POSITIVE,
}
QUALITY: Columns = {
    "loss": WORD,
    "discriminator_steps": COUNT,
    "optimiser": WORD,
    "batch_norm": WORD,
    "seed": POSITIVE,
    "frechet_distance": ANY,
    "coverage": SHARE,
}
SOLVERS: Columns = {"solver": WORD, "steps": COUNT, "squared_error": POSITIVE, "psnr": ANY}
SECONDS: Columns = {"solver": WORD, "steps": COUNT, "seconds": POSITIVE}
RESTARTS: Columns = {"restarts": COUNT, "psnr": ANY}
ACCURACY = {"test_accuracy": SHARE}
