"""Tables and images -> plots/: every figure as a PNG."""

import pandas as pd

from stages.figures.reconstruction import features_figure, spectra_figure, transfer_figure
from stages.figures.restoration import (
    calibration_curves,
    completion_panels,
    denoising_panels,
    inpainting_panels,
    inversion_panels,
    norm_table,
    quality_curves,
    solver_curves,
)
from stages.figures.style import save_figure
from stages.figures.training import fidelity_curves, sample_grids, training_curves
from stages.pipeline.artifacts import (
    DENOISED,
    INPAINTED,
    INVERTED,
    METRICS,
    PLOTS,
    SOLVERS,
    load_arrays,
    load_samples,
    load_table,
)
from stages.pipeline.command import run
from stages.pipeline.params import load_params
from stages.restoration.names import usual_loss


def main() -> None:
    losses = load_params().losses
    usual = usual_loss(losses)
    samples = {loss: load_samples(loss) for loss in losses}
    inverted, denoised, inpainted = (
        {loss: load_arrays(folder / f"{loss}.npz") for loss in losses} for folder in (INVERTED, DENOISED, INPAINTED)
    )

    def table(name: str) -> pd.DataFrame:
        return load_table(METRICS / f"{name}.csv")

    figures = {
        "samples": sample_grids(samples),
        "training": training_curves(table("training")),
        "fidelity": fidelity_curves(table("fidelity")),
        "inversion": inversion_panels(inverted),
        "denoising": denoising_panels(denoised),
        "denoising_psnr": quality_curves(table("denoising"), "sigma", "psnr", ("noise sigma", "PSNR, dB")),
        "inpainting": inpainting_panels(inpainted),
        "inpainting_psnr": quality_curves(
            table("inpainting"), "holes", "hole_psnr", ("missing windows", "hole PSNR, dB")
        ),
        "completions": completion_panels(usual, inpainted[usual]),
        "calibration": calibration_curves(table("calibration")),
        "norms": norm_table(table("norms")),
        "search": solver_curves(load_table(SOLVERS / "solvers.csv"), load_table(SOLVERS / "restarts.csv")),
        "spectra": spectra_figure(table("spectra")),
        "transfer": transfer_figure(table("transfer"), table("noise")),
        "features": features_figure(table("features"), table("traits")),
    }
    for name, figure in figures.items():
        save_figure(PLOTS / f"{name}.png", figure)


if __name__ == "__main__":
    run(main)
