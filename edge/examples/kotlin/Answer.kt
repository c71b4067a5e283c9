package edgeline

import org.json.JSONObject
import kotlin.math.exp
import kotlin.math.ln

/** What is said of a record, by the kind of the bundle's target; what is of another kind is null or empty. */
class Answer(
    /** Of one label: the one that is answered. */
    val label: String? = null,
    /** Of many labels: those that are answered, in the model's order. */
    val labels: List<String> = emptyList(),
    /** Of either: the score of every label. */
    val scores: Map<String, Float> = emptyMap(),
    /** Of a number, and of its interval the ends, where there is one. */
    val number: Float? = null,
    val low: Float? = null,
    val high: Float? = null
)

/** What a manifest says of the answer. */
class Target(manifest: JSONObject, private val labels: List<String>) {
    private val section: JSONObject? = manifest.optJSONObject("target")
    private val decision: JSONObject? = manifest.optJSONObject("decision")
    private val temperature = manifest.optJSONObject("calibration")?.getDouble("temperature")?.toFloat()
    private val thresholds = decision?.optJSONObject("thresholds")
    private val lowest = section?.optDouble("min", Double.NEGATIVE_INFINITY)?.toFloat() ?: Float.NEGATIVE_INFINITY
    private val highest = section?.optDouble("max", Double.POSITIVE_INFINITY)?.toFloat() ?: Float.POSITIVE_INFINITY

    /** `one_label`, `many_labels` or `number`. */
    val kind: String = section?.getString("kind") ?: "one_label"

    /** What the model's output is called. */
    val output: String = if (kind == "number") "number" else "probabilities"

    init {
        val decided = DECIDED[kind]
        requireNotNull(decided) { "the target is of kind $kind, this reader knows ${DECIDED.keys.joinToString()}" }
        require(section == null || section.getString("output") == output) {
            "the target's output is ${section?.getString("output")}, of its kind it is $output"
        }
        val said = decision?.keys()?.asSequence()?.toSet() ?: decided
        require(said == decided) { "the decision has $said; of a target of kind $kind it has $decided" }
        require(thresholds == null || thresholds.keys().asSequence().toSet() == labels.toSet()) {
            "the decision has no threshold for each label and none else"
        }
        val isOfTwo = decision == null || (labels.size == 2 && decision.optString("label") in labels)
        require(kind != "one_label" || isOfTwo) {
            "the decision is about no one of two labels"
        }
        require(kind != "number" || (labels.isEmpty() && lowest < highest)) {
            "a target of kind number has no labels, and bounds with something between"
        }
    }

    /** The answer for a record, from what the model gave to each of its windows. */
    fun answer(windows: List<FloatArray>): Answer {
        val own = windows.map { if (temperature == null) it else calibrated(it, temperature) }
        val outputs = FloatArray(own[0].size) { at -> own.fold(0f) { sum, window -> sum + window[at] } / own.size }
        if (kind == "number") return estimate(outputs[0])
        val scores = labels.indices.associate { labels[it] to outputs[it] }
        if (kind == "many_labels") {
            val reached = labels.filter { scores.getValue(it) >= (thresholds?.getDouble(it) ?: HALF).toFloat() }
            return Answer(labels = reached, scores = scores)
        }
        var best = outputs.indices.fold(0) { winner, label -> if (outputs[label] > outputs[winner]) label else winner }
        decision?.let {
            val asked = labels.indexOf(it.getString("label"))
            best = if (outputs[asked] >= it.getDouble("threshold").toFloat()) asked else 1 - asked
        }
        return Answer(label = labels[best], scores = scores)
    }

    private fun estimate(output: Float): Answer {
        val number = output.coerceIn(lowest, highest)
        val half = decision?.getDouble("half_width")?.toFloat() ?: return Answer(number = number)
        val (low, high) = listOf(number - half, number + half).map { it.coerceIn(lowest, highest) }
        return Answer(number = number, low = low, high = high)
    }

    /** Divides the logits by the temperature; up to a constant, logits are the logarithms of the probabilities. */
    private fun calibrated(scores: FloatArray, temperature: Float): FloatArray {
        val logits = scores.map { ln(maxOf(it, java.lang.Float.MIN_NORMAL)) / temperature }
        val largest = logits.fold(Float.NEGATIVE_INFINITY) { most, logit -> maxOf(most, logit) }
        val exponents = logits.map { exp(it - largest) }
        val sum = exponents.fold(0f) { total, exponent -> total + exponent }
        return FloatArray(scores.size) { exponents[it] / sum }
    }

    private companion object {
        const val HALF = 0.5 // of a bundle that has no thresholds yet
        val DECIDED = mapOf(
            "one_label" to setOf("label", "threshold"),
            "many_labels" to setOf("thresholds"),
            "number" to setOf("half_width")
        )
    }
}
