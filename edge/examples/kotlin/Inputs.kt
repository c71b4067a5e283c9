package edgeline

import org.json.JSONArray
import org.json.JSONObject

/** An input beside the text: from a value of its column to what the model takes, as Transform does it. */
sealed class TableInput(section: JSONObject) {
    val column: String = section.getString("column")
    val tensor: String = section.getJSONArray("tensors").getString(0)

    /** An `IntArray` or a `FloatArray`; `value` is null where a record has none. */
    abstract fun encode(value: Any?): Any
}

/** A number: scaled in float32, and a flag where a record has none; float32 `[1, 2]`. */
class NumberInput(section: JSONObject) : TableInput(section) {
    private val mean = section.needed("mean").getDouble("mean").toFloat()
    private val factor = section.needed("factor").getDouble("factor").toFloat()
    private val limit = section.needed("limit").getDouble("limit").toFloat()

    init {
        require(mean - mean == 0f && factor - factor == 0f && factor > 0) { "$column is scaled by $mean and $factor" }
    }

    override fun encode(value: Any?): FloatArray {
        require(value == null || value is Number) { "$column must be a number or null" }
        val number = (value as Number?)?.toDouble()
        if (number == null || number.isNaN()) return floatArrayOf(0f, 1f)
        // Each operation is one of float32, as in Transform, and gives the same bits.
        val scaled = (number.toFloat() - mean) * factor
        return floatArrayOf(scaled.coerceIn(-limit, limit), 0f)
    }
}

/** A category: its number in Transform's vocabulary; 1 for a value that is not in it, 0 for none; int32 `[1]`. */
class CategoryInput(section: JSONObject) : TableInput(section) {
    private val values = section.needed("values").getJSONArray("values")
    private val ids = (0 until values.length()).associate { values.getString(it) to 2 + it }

    override fun encode(value: Any?): IntArray {
        require(value == null || value is String) { "$column must be a string or null" }
        return intArrayOf(if (value == null || value == "") 0 else ids[value] ?: 1)
    }
}

/** Of the manifest's `inputs` those beside the text. */
fun tableOf(sections: JSONArray): List<TableInput> = sections.objects().filter { it.getString("kind") != "text" }.map {
    when (val kind = it.getString("kind")) {
        "number" -> NumberInput(it)
        "category" -> CategoryInput(it)
        else -> throw IllegalArgumentException(
            "the input ${it.getString("name")} is of kind $kind, this reader knows text, number, category"
        )
    }
}

private fun JSONObject.needed(field: String) = also {
    require(has(field)) { "the input ${getString("name")} says nothing of its $field" }
}

internal fun JSONArray.objects() = (0 until length()).map { getJSONObject(it) }
