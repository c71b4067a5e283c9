"""Which version answers: what the push folder holds, what a new version must show, when it takes over."""
