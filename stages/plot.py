"""Tables and images -> plots/: every figure as a PNG."""

from stages.figures.restoration import denoising_panels, inpainting_panels, inversion_panels, quality_curves
from stages.figures.style import save_figure
from stages.figures.training import fidelity_curves, sample_grids, training_curves
from stages.pipeline.artifacts import (
    DENOISED,
    INPAINTED,
    INVERTED,
    METRICS,
    PLOTS,
    load_arrays,
    load_samples,
    load_table,
)
from stages.pipeline.command import run
from stages.pipeline.params import load_params


def main() -> None:
    losses = load_params().losses
    samples = {loss: load_samples(loss) for loss in losses}
    inverted, denoised, inpainted = (
        {loss: load_arrays(folder / f"{loss}.npz") for loss in losses} for folder in (INVERTED, DENOISED, INPAINTED)
    )
    denoising, inpainting = load_table(METRICS / "denoising.csv"), load_table(METRICS / "inpainting.csv")

    figures = {
        "samples": sample_grids(samples),
        "training": training_curves(load_table(METRICS / "training.csv")),
        "fidelity": fidelity_curves(load_table(METRICS / "fidelity.csv")),
        "inversion": inversion_panels(inverted),
        "denoising": denoising_panels(denoised),
        "denoising_psnr": quality_curves(denoising, "sigma", "psnr", ("noise sigma", "PSNR, dB")),
        "inpainting": inpainting_panels(inpainted),
        "inpainting_psnr": quality_curves(inpainting, "holes", "hole_psnr", ("missing windows", "hole PSNR, dB")),
    }
    for name, figure in figures.items():
        save_figure(PLOTS / f"{name}.png", figure)


if __name__ == "__main__":
    run(main)
