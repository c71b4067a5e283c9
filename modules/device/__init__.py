"""Whether a `.tflite` file keeps its promise on a device: latency, memory and quality, and the gate that chooses."""
