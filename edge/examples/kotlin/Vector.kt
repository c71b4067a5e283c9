package edgeline

import org.json.JSONArray
import org.json.JSONObject

/**
 * Readings of fixed length: scaled by channel in float32 as Transform scaled them, and beside those of a step a flag
 * for each that is missing; float32 `[1, steps, 2 * channels]`. A value is a list or an array of numbers, step by step,
 * nested or not, in which null or NaN is missing; or a text of one, as JSON or between spaces, commas or semicolons.
 */
class VectorInput(section: JSONObject) : TableInput(section) {
    private val steps = section.needed("shape").getJSONArray("shape").getInt(0)
    private val channels = section.needed("shape").getJSONArray("shape").getInt(1)
    private val means = floats(section.needed("means").getJSONArray("means"))
    private val factors = floats(section.needed("factors").getJSONArray("factors"))
    private val limit = section.needed("limit").getDouble("limit").toFloat()

    init {
        val isWhole = listOf(means, factors).all { all -> all.size == channels && all.all { it.isFinite() } }
        require(isWhole && factors.all { it > 0 }) {
            "the input $name has $channels channels and is not scaled by as many"
        }
    }

    override fun encode(value: Any?): Tensors {
        val isNone = value == null || (value is String && value.all { it in BLANKS })
        val readings = if (isNone) List(steps * channels) { Double.NaN } else read(value!!)
        require(readings.size == steps * channels) {
            "$column has ${readings.size} readings; the model reads $steps x $channels"
        }
        val made = FloatArray(2 * readings.size)
        readings.forEachIndexed { index, reading ->
            val channel = index % channels
            val at = 2 * (index - channel) + channel
            if (reading.isNaN()) made[at + channels] = 1f
            else made[at] = scaled(reading, means[channel], factors[channel], limit)
        }
        return mapOf(tensors[0] to made)
    }

    private fun read(value: Any): List<Double> {
        if (value is String) return value.split(SEPARATOR).filter { it.isNotEmpty() }.map { number(it) }
        return flat(value).map {
            require(it == null || it is Number) { "$column must be a list of numbers or null" }
            (it as Number?)?.toDouble() ?: Double.NaN
        }
    }

    private fun number(part: String): Double {
        if (MISSING.any { it.equals(part, ignoreCase = true) }) return Double.NaN
        require(NUMBER.matches(part)) { "$column holds '${part.take(40)}', which is no number" }
        return part.toDouble()
    }

    private companion object {
        val SEPARATOR = Regex("[ \\t-\\r,;\\[\\]]+")
        val NUMBER = Regex("[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
        val MISSING = listOf("null", "nan", "none", "na")
        // What Python calls a blank, so that a cell of nothing else is a missing one everywhere.
        val BLANKS = ('\u0009'..'\u000D') + ('\u001C'..'\u0020') + ('\u2000'..'\u200A') +
            listOf('\u0085', '\u00A0', '\u1680', '\u2028', '\u2029', '\u202F', '\u205F', '\u3000')

        fun floats(list: JSONArray) = FloatArray(list.length()) { list.getDouble(it).toFloat() }

        fun itemsOf(value: Any?): List<Any?>? = when (value) {
            is List<*> -> value
            is FloatArray -> value.toList()
            is DoubleArray -> value.toList()
            is IntArray -> value.toList()
            is Array<*> -> value.toList()
            else -> null
        }

        /** The items of a list whose lists are of one length at each depth; where they are not, a list is an item. */
        fun flat(value: Any): List<Any?> {
            var items = itemsOf(value) ?: listOf(value)
            while (true) {
                val lists = items.map { itemsOf(it) }
                if (lists.isEmpty() || lists.any { it == null || it.size != lists[0]?.size }) return items
                items = lists.flatMap { it.orEmpty() }
            }
        }
    }
}
