package edgeline

import org.json.JSONArray
import org.json.JSONObject

/** An input beside the text: from a value of its column to what the model takes, as Transform does it. */
abstract class TableInput(section: JSONObject, most: Int = 1) {
    val name: String = section.getString("name")
    val column: String = section.getString("column")
    val tensors: List<String> = section.getJSONArray("tensors").strings()

    init {
        require(tensors.size in 1..most) { "the input $name has the tensors $tensors" }
    }

    /** An `IntArray`, a `FloatArray` or, of pixels, a `ByteArray` for each tensor; `value` is null for none. */
    abstract fun encode(value: Any?): Tensors
}

/** A number: scaled in float32, and a flag where a record has none; float32 `[1, 2]`. */
class NumberInput(section: JSONObject) : TableInput(section) {
    private val mean = section.needed("mean").getDouble("mean").toFloat()
    private val factor = section.needed("factor").getDouble("factor").toFloat()
    private val limit = section.needed("limit").getDouble("limit").toFloat()

    init {
        require(mean.isFinite() && factor.isFinite() && factor > 0) { "$column is scaled by $mean and $factor" }
    }

    override fun encode(value: Any?): Tensors {
        require(value == null || value is Number) { "$column must be a number or null" }
        val number = (value as Number?)?.toDouble()
        if (number == null || number.isNaN()) return mapOf(tensors[0] to floatArrayOf(0f, 1f))
        return mapOf(tensors[0] to floatArrayOf(scaled(number, mean, factor, limit), 0f))
    }
}

/** A category: its number in Transform's vocabulary; 1 for a value that is not in it, 0 for none; int32 `[1]`. */
class CategoryInput(section: JSONObject) : TableInput(section) {
    private val values = section.needed("values").getJSONArray("values")
    private val ids = (0 until values.length()).associate { values.getString(it) to 2 + it }

    override fun encode(value: Any?): Tensors {
        require(value == null || value is String) { "$column must be a string or null" }
        return mapOf(tensors[0] to intArrayOf(if (value == null || value == "") 0 else ids[value] ?: 1))
    }
}

private val kinds: Map<String, (JSONObject) -> TableInput> = mapOf(
    "number" to ::NumberInput,
    "category" to ::CategoryInput,
    "time" to ::TimeInput,
    "vector" to ::VectorInput,
    "image" to ::ImageInput
)

/** Of the manifest's `inputs` those beside the text. */
fun tableOf(sections: JSONArray): List<TableInput> = sections.objects().filter { it.getString("kind") != "text" }.map {
    val make = kinds[it.getString("kind")]
    requireNotNull(make) {
        "the input ${it.getString("name")} is of kind ${it.getString("kind")}, this reader knows text, " +
            kinds.keys.joinToString()
    }(it)
}

/** A difference from the mean times a factor, each operation one of float32, as in Transform, and of the same bits. */
internal fun scaled(value: Double, mean: Float, factor: Float, limit: Float): Float =
    ((value.toFloat() - mean) * factor).coerceIn(-limit, limit)

internal fun JSONObject.needed(field: String) = also {
    require(has(field)) { "the input ${getString("name")} says nothing of its $field" }
}

internal fun JSONArray.strings() = (0 until length()).map { getString(it) }

internal fun JSONArray.objects() = (0 until length()).map { getJSONObject(it) }
