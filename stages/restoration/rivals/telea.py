"""Fast marching from the rim of a hole inwards (Telea 2004)."""

import cv2

from stages.restoration.opencv import opencv_rival

RIVAL = opencv_rival(cv2.INPAINT_TELEA)
