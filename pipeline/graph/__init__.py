"""The stages of the graph that `pipeline.pipeline` puts together, and what an orchestrator can do."""
