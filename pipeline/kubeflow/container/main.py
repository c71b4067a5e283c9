"""The command of every container: mends what the engine hands over, then runs TFX's own container code.

`python -m pipeline.kubeflow.container.main [--drive] --edgeline OPTIONS <TFX's arguments> <Beam's arguments>`
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from typing import Any

from pipeline.kubeflow.container.inputs import keep_metadata, prepare, restore, values_of
from pipeline.kubeflow.contract.options import DRIVE, OPTIONS, Options


def main(argv: Sequence[str]) -> None:
    """Runs one node.

    Args:
        argv: the arguments without the program's name.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument(OPTIONS, dest="options", type=Options.parse, default=Options())
    parser.add_argument(DRIVE, dest="drive", action="store_true", help="find out the input span, and end")
    parser.add_argument("--executor_class_path")
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args")
    given, beam_args = parser.parse_known_args(argv)
    options: Options = given.options
    executor_input = prepare(
        json.loads(given.json_serialized_invocation_args),
        json.loads(given.json_serialized_inputs_spec_args or "{}"),
        options,
    )
    given.json_serialized_invocation_args = json.dumps(executor_input)
    import modules  # noqa: F401, I001  (settles Keras 2 before TFX imports TensorFlow)
    from tfx.dsl.io import fileio
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    logging.getLogger().setLevel(logging.INFO)
    if given.drive or options.drive:
        from pipeline.ingest import span_driver
        from pipeline.tfx_gaps.container_driver import drive

        drive(given, span_driver.container_processor(values_of(executor_input["inputs"])["custom_config"]))
    if given.drive:
        _fingerprint_rows(executor_input)
        return
    output_file = executor_input["outputs"]["outputFile"]
    driven = _read(output_file) if fileio.exists(output_file) else {}
    kubeflow_v2_run_executor.main((given, beam_args))
    executor_output = keep_metadata(_read(output_file), driven)
    with fileio.open(output_file, "w") as stream:
        stream.write(json.dumps(restore(executor_output, options)))


def _read(path: str) -> dict[str, Any]:
    from tfx.dsl.io import fileio

    with fileio.open(path) as stream:
        return json.loads(stream.read())


def _fingerprint_rows(executor_input: dict[str, Any]) -> None:
    """Adds to the driver's output what Edgeline's own driver adds on one machine; the engine's cache goes by it."""
    from tfx.components.example_gen import utils
    from tfx.dsl.io import fileio

    from pipeline.ingest.component import rows_fingerprint

    output_file = executor_input["outputs"]["outputFile"]
    output = _read(output_file)
    found = output["parameterValues"]
    found[utils.FINGERPRINT_PROPERTY_NAME] += rows_fingerprint({**values_of(executor_input["inputs"]), **found})
    with fileio.open(output_file, "w") as stream:
        stream.write(json.dumps(output))


if __name__ == "__main__":
    main(sys.argv[1:])
