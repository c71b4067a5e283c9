"""What a `.tflite` file is made of: graph, conversion, quantization, recipes, and the proof of parity."""
