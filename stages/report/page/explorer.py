"""What the explorer shows: test images under every condition, and what each restorer made of them, as sprites.

A sprite is one PNG with a row for each condition and a column for each image; the page cuts single images out of it.
"""

import base64
import io
from typing import Any

import numpy as np
from PIL import Image

from stages.judging.image_quality import mse, psnr
from stages.pipeline.artifacts import NO_PRIOR, UNRESTORED
from stages.pipeline.numerics.pixels import to_uint8
from stages.report.shades import MOST_UNCERTAIN, uncertainty
from stages.report.study import Seen, Study
from stages.report.style import greyed, readable, tile
from stages.restoration.observed import Observed
from stages.restoration.restored import POSTERIOR_MEAN

MOST_IMAGES = 8  # of each condition
MOST_BYTES = 2_600_000  # of all sprites together, as text


def explorer(study: Study) -> dict[str, Any]:
    """Everything, ready for JSON: as many images of each condition as fit into MOST_BYTES, one at least."""
    count = MOST_IMAGES
    while True:
        tasks = [_task(study, name, count) for name in study.params.tasks]
        length = sum(len(sprite) for task in tasks for sprite in _sprites(task))
        if length <= MOST_BYTES or count == 1:
            return {"most_uncertain": MOST_UNCERTAIN, "tasks": tasks}
        count = max(1, min(count - 1, count * MOST_BYTES // length))


def _task(study: Study, name: str, count: int) -> dict[str, Any]:
    """One task: its conditions, its images, and every restorer with its methods."""
    restorers = {prior: study.by_prior(name, prior) for prior in study.params.searched}
    rivals = study.by_rivals(name)
    observed = rivals.observed
    rows = np.concatenate([np.flatnonzero(observed.cell(condition))[:count] for condition in observed.conditions])
    columns = len(rows) // len(observed.conditions)
    _, channels, size, _ = observed.images.shape
    return {
        "name": readable(name),
        "condition_name": observed.condition_name,
        "conditions": observed.conditions,
        "size": size,
        "channels": channels,
        "images": columns,
        "labels": None if observed.labels is None else observed.labels[rows[:columns]].tolist(),
        "hides": observed.hidden is not None,
        "original": _sprite(observed.images[rows], columns),
        "observed": _sprite(greyed(observed)[rows], columns),
        "restorers": [
            _restorer(prior, seen, rows, columns)
            for prior, seen in (restorers | ({NO_PRIOR: rivals} if study.params.rivals[name] else {})).items()
        ],
    }


def _restorer(prior: str, seen: Seen, rows: np.ndarray, columns: int) -> dict[str, Any]:
    methods = [
        {
            "name": readable(method),
            "psnr": _psnr(seen.observed, images, rows, columns),
            "restored": _sprite(images[rows], columns),
            "uncertainty": _sprite(uncertainty(seen.restored.spread["posterior_std"][rows]), columns)
            if method == POSTERIOR_MEAN
            else None,
        }
        for method, images in seen.restored.images.items()
        if method != UNRESTORED
    ]
    return {"name": "no prior" if prior == NO_PRIOR else readable(prior), "methods": methods}


def _psnr(observed: Observed, images: np.ndarray, rows: np.ndarray, columns: int) -> list[list[float | None]]:
    """dB, of hidden pixels alone where there are any: a list for each condition; None for an exact image."""
    where = None if observed.hidden is None else observed.hidden[rows]
    values = psnr(mse(observed.images[rows], images[rows], where))
    return [
        [round(value, 1) if np.isfinite(value) else None for value in row]
        for row in values.reshape(-1, columns).tolist()
    ]


def _sprite(images: np.ndarray, columns: int) -> str:
    """Images (N, C, S, S) in [0, 1], as many in a row, as a data URI."""
    picture = to_uint8(tile(images, columns))
    file = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[-1] == 1 else picture).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def _sprites(task: dict[str, Any]) -> list[str]:
    methods = [method for restorer in task["restorers"] for method in restorer["methods"]]
    return [task["original"], task["observed"]] + [
        method[kind] for method in methods for kind in ("restored", "uncertainty") if method[kind]
    ]
