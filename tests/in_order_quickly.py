"""All stages in one process, as stages.pipeline.in_order runs them, without what takes longest and changes no test.

Figures are not laid out, which is half of drawing them, and tests/report/figures looks at those that are. BatchNorm's
statistics of a generator are averages over fewer codes, which is most of training a tiny one.
"""

import matplotlib.layout_engine

import stages.priors.training
from stages.pipeline import in_order

if __name__ == "__main__":
    matplotlib.layout_engine.ConstrainedLayoutEngine.execute = lambda *_: None  # type: ignore[assignment,method-assign]
    stages.priors.training.BATCH_NORM_CODES = 2000
    in_order.main()
