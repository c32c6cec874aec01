"""Transport along isophotes into a hole, as of a fluid (Bertalmio et al. 2001)."""

import cv2

from stages.restoration.opencv import opencv_rival

RIVAL = opencv_rival(cv2.INPAINT_NS)
