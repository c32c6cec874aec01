"""Test images -> data/baselines/: restored from the same noise and windows without a GAN, and the settings chosen."""

import numpy as np

from stages.gan.classifier import load_predictor, predicted_labels
from stages.pipeline.artifacts import BASELINES, CLASSIFIER, load_split, save_arrays, save_table
from stages.pipeline.command import run, say
from stages.pipeline.compute import choose_compute
from stages.pipeline.images import pick_images
from stages.pipeline.params import load_params
from stages.pipeline.seeding import stream_seed
from stages.restoration.baselines import denoisers, fit_linear_model, inpainters, tune_and_restore, worker_processes
from stages.restoration.observation import Observation, draw_windows, masked, noisy, stack

# Validation images behind each choice. All settings see the same ones, so few tell good settings from bad ones where
# every pixel counts; how well a window is filled differs more from image to image, and takes less time. A quick look,
# which restores few images, is content with twice as many as it restores.
DENOISING_IMAGES, INPAINTING_IMAGES = 16, 128


def main() -> None:
    params = load_params()
    classify = load_predictor(CLASSIFIER, choose_compute())
    images, labels = pick_images("test", params.images, params.seed)
    available = len(load_split("validation")[0])
    tuning_seed = stream_seed(params.seed, "tuning")  # noise and windows of its own, too
    model = fit_linear_model(load_split("train")[0], params.train.latent_dim)  # as many unknowns as the search has

    def windowed(images: np.ndarray, number: int, seed: int) -> Observation:
        return masked(images, draw_windows(images, number, params.inpaint.window, seed))

    rows = []
    with worker_processes() as workers:
        for task, count, column, conditions, baselines, observe in (
            ("denoised", DENOISING_IMAGES, "sigma", params.denoise.sigmas, denoisers(model), noisy),
            ("inpainted", INPAINTING_IMAGES, "holes", params.inpaint.holes, inpainters(model), windowed),
        ):
            validation, _ = pick_images("validation", min(count, 2 * params.images, available), params.seed)
            observations = [observe(images, condition, params.seed) for condition in conditions]
            restored, choices = tune_and_restore(
                baselines,
                workers,
                validation=validation,
                tuning=[observe(validation, condition, tuning_seed) for condition in conditions],
                observations=observations,
            )
            observation = stack(observations)
            arrays = {
                column: np.repeat(conditions, params.images),
                "images": np.tile(images, (len(conditions), 1, 1, 1)),
                "labels": np.tile(labels, len(conditions)),
                "observed": observation.y,
            } | ({"mask": observation.mask} if task == "inpainted" else {})
            save_arrays(
                BASELINES / f"{task}.npz",
                arrays | restored | predicted_labels(classify, {"observed": observation.y} | restored),
            )
            for method, chosen in choices.items():
                for condition, (settings, psnr) in zip(conditions, chosen, strict=True):
                    words = " ".join(f"{name}={value}" for name, value in settings.items())
                    row = {"task": task, "method": method, "condition": condition, "settings": words}
                    rows.append(row | {"validation_psnr": psnr})
            say(f"baselines: {task} by {', '.join(baselines)}")
    save_table(BASELINES / "settings.csv", rows)


if __name__ == "__main__":
    run(main)
