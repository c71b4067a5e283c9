"""From a configuration to the specification that an engine reads."""
