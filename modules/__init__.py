"""What runs inside the pipeline's components.

Importing this package settles what every process must settle before TensorFlow is imported: KerasNLP 0.12 and TF-MOT
work on Keras 2 (`tf_keras`) only; and TensorFlow leaves oneDNN out by default on CPUs without VNNI, where a training
step takes twice as long without it (`benchmarks/training_throughput.py`). Runner, Beam worker, container and test all
import `modules` first, so the choices are made here and nowhere else.
"""

import os
import sys

_FLAG = "TF_USE_LEGACY_KERAS"

os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # 0 in the environment leaves it out

if os.environ.get(_FLAG) != "1":
    if "keras" in sys.modules or "tensorflow" in sys.modules:
        raise ImportError(
            f"TensorFlow was imported before `modules` and without {_FLAG}=1, so Keras 3 may be in use already. "
            f"Import `modules` first, or set {_FLAG}=1 in the environment."
        )
    os.environ[_FLAG] = "1"
