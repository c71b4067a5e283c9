/**
 * Runs an Edgeline bundle on Android with LiteRT: a text or a record in, an answer out.
 *
 * Dependency: `com.google.ai.edge.litert:litert`. Ship `model.tflite` and the Python package's table of normalisation.
 */
package edgeline

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import java.io.File

/** One bundle, loaded. Not thread-safe. `table` as in `Bundle`. */
class Classifier(file: File, table: (String) -> String) : AutoCloseable {
    val bundle = Bundle(file, table)
    private val model = CompiledModel.create(file.path, CompiledModel.Options(Accelerator.CPU))
    private val inputs = bundle.tensors.associateWith { model.createInputBuffer(it, SIGNATURE) }
    private val outputs = listOf(bundle.target.output).associateWith { model.createOutputBuffer(it, SIGNATURE) }

    /** The answer for a text, where the model reads nothing else. */
    fun classify(text: String): Answer = classify(mapOf(bundle.columns.single() to text))

    /** The answer for a record, by column. */
    fun classify(record: Map<String, Any?>): Answer = bundle.answer(
        bundle.encode(record).map { window ->
            for ((name, values) in window) {
                if (values is IntArray) inputs.getValue(name).writeInt(values)
                if (values is FloatArray) inputs.getValue(name).writeFloat(values)
                if (values is ByteArray) inputs.getValue(name).writeInt8(values)
            }
            model.run(inputs, outputs, SIGNATURE)
            outputs.getValue(bundle.target.output).readFloat()
        }
    )

    override fun close() {
        (inputs.values + outputs.values).forEach { it.close() }
        model.close()
    }

    private companion object {
        const val SIGNATURE = "serving_default"
    }
}
