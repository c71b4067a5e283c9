"""What runs inside the pipeline's components.

Importing this package settles the one thing that every process must settle before TensorFlow is imported: KerasNLP
0.12 and TF-MOT work on Keras 2 (`tf_keras`) only. Runner, Beam worker, container and test all import `modules`
first, so the choice is made here and nowhere else.
"""

import os
import sys

_FLAG = "TF_USE_LEGACY_KERAS"

if os.environ.get(_FLAG) != "1":
    if "keras" in sys.modules or "tensorflow" in sys.modules:
        raise ImportError(
            f"TensorFlow was imported before `modules` and without {_FLAG}=1, so Keras 3 may be in use already. "
            f"Import `modules` first, or set {_FLAG}=1 in the environment."
        )
    os.environ[_FLAG] = "1"
