"""Where TensorFlow, Keras and KerasTuner are extended from within, each gap with a guard; nowhere else in `modules`."""
