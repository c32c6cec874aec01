"""The Wiener filter of a linear model with as many principal components as priors have latents."""

from stages.restoration.linear_model import fit_linear_model, posterior_mean
from stages.restoration.rival import Rival

RIVAL = Rival(posterior_mean, fit=fit_linear_model)
