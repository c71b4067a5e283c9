package edgeline

import java.io.File
import java.util.zip.ZipFile
import org.json.JSONObject
import kotlin.math.exp
import kotlin.math.ln

/** What the model takes for a text or a record: `IntArray` or `FloatArray` by name, for one run. */
typealias Tensors = Map<String, Any>

/** The label that is answered, and the score of every label. */
class Answer(val label: String, val scores: Map<String, Float>)

/**
 * A bundle: records in, what the model takes out; what the model gives in, the answer out. `table` gives the content of
 * a table of normalisation, `normalization-1.txt` or `normalization-nmt-nfkc-1.txt`, by its name.
 */
class Bundle(file: File, table: (String) -> String) {
    private val files = ZipFile(file).use { zip ->
        val version = Regex("edgeline-bundle/(\\d+) ").find(zip.comment.orEmpty())?.groupValues?.get(1)
        require(version == "1" || version == "2") { "no bundle of format 1 or 2, but of ${version ?: "none"}" }
        zip.entries().asSequence().associate { entry ->
            entry.name to zip.getInputStream(entry).use { String(it.readBytes(), Charsets.UTF_8) }
        }
    }
    private val manifest = JSONObject(files.getValue("manifest.json"))
    private val sections = manifest.optJSONArray("inputs")?.objects()
    private val text = sections?.let(::textOf) ?: manifest
    private val column = text.optString("column", "text")
    private val inputs = manifest.optJSONArray("inputs")?.let { tableOf(it) }.orEmpty()
    private val tokenizer = tokenizerOf(table)

    val labels: List<String> = lines("labels.txt")

    /** Names of the model's inputs beside those of the text. */
    val tensors: List<String> = inputs.map { it.tensor }

    /** The fields of a record; the text's, which has no name in format 1, is `text` there. */
    val columns: List<String> = sections?.map { it.getString("column") } ?: listOf(column)

    init {
        val kind = manifest.optJSONObject("target")?.getString("kind") ?: "one_label"
        require(kind == "one_label") { "the target is of kind $kind, this reader knows one_label" }
    }

    /** What the model takes for a record, such as `mapOf("text" to "good film", "price" to 3.5)`, one a window. */
    fun encode(record: Map<String, Any?>): List<Tensors> {
        val unknown = record.keys - columns
        require(unknown.isEmpty()) { "the model reads no field ${unknown.first()}; it reads $columns" }
        val mayLack = inputs.isNotEmpty() && text.optBoolean("optional")
        val own = record[column] ?: ""
        require(own is String && (own.isNotEmpty() || mayLack)) { "$column must be a string that is not empty" }
        val others = inputs.associate { it.tensor to it.encode(record[it.column]) }
        return tokenizer.encode(own, text.optString("long_text", "head"), text.optInt("max_windows", Int.MAX_VALUE))
            .map { (ids, mask) -> others + mapOf("token_ids" to ids, "padding_mask" to mask) }
    }

    /** The answer for a record, from what the model gave to each of its windows. */
    fun answer(windows: List<FloatArray>): Answer {
        val temperature = manifest.optJSONObject("calibration")?.getDouble("temperature")?.toFloat()
        val own = windows.map { if (temperature == null) it else calibrated(it, temperature) }
        val scores = FloatArray(labels.size) { label ->
            own.fold(0f) { sum, window -> sum + window[label] } / own.size
        }
        var best = scores.indices.fold(0) { winner, label -> if (scores[label] > scores[winner]) label else winner }
        manifest.optJSONObject("decision")?.let {
            val asked = labels.indexOf(it.getString("label"))
            best = if (scores[asked] >= it.getDouble("threshold").toFloat()) asked else 1 - asked
        }
        return Answer(labels[best], labels.indices.associate { labels[it] to scores[it] })
    }

    /** Divides the logits by the temperature; up to a constant, logits are the logarithms of the probabilities. */
    private fun calibrated(scores: FloatArray, temperature: Float): FloatArray {
        val logits = scores.map { ln(maxOf(it, java.lang.Float.MIN_NORMAL)) / temperature }
        val largest = logits.fold(Float.NEGATIVE_INFINITY) { most, logit -> maxOf(most, logit) }
        val exponents = logits.map { exp(it - largest) }
        val sum = exponents.fold(0f) { total, exponent -> total + exponent }
        return FloatArray(scores.size) { exponents[it] / sum }
    }

    private fun textOf(sections: List<JSONObject>): JSONObject {
        val texts = sections.filter { it.getString("kind") == "text" }
        require(texts.size == 1) { "the bundle has ${texts.size} inputs of kind text, this reader runs those with one" }
        return texts[0]
    }

    private fun tokenizerOf(table: (String) -> String): Tokenizer {
        val length = text.getInt("sequence_length")
        val spec = text.optJSONObject("tokenizer")
        val known = mapOf("first" to 0, "pad" to 1, "last" to 2, "unk" to 3)
        val isKnown = spec?.optString("kind") == "unigram" && known.all { (key, id) -> spec.getInt(key) == id }
        require(spec == null || isKnown) {
            "the bundle asks for the tokenizer $spec, this reader knows WordPiece, and unigram with $known"
        }
        val name = if (spec == null) "bert-uncased" else "nmt-nfkc"
        val said = text.getJSONObject("normalization")
        require(said.getString("name") == name && said.getInt("version") == 1) {
            "the bundle normalises text by ${said.getString("name")}, this reader knows version 1 of $name"
        }
        if (spec == null) return WordPiece(lines("vocab.txt"), length, Normalization(table("normalization-1.txt")))
        return Unigram(lines("pieces.tsv"), length, Normalization(table("normalization-nmt-nfkc-1.txt")))
    }

    private fun lines(name: String): List<String> {
        val content = requireNotNull(files[name]) { "the bundle lacks $name" }
        return content.removeSuffix("\n").split('\n')
    }
}
