package edgeline

import java.io.File
import java.util.zip.ZipFile
import org.json.JSONObject

/** What the model takes for a text or a record: `IntArray`, `FloatArray` or `ByteArray` by name, for one run. */
typealias Tensors = Map<String, Any>

/**
 * A bundle: records in, what the model takes out; what the model gives in, the answer out. `table` gives the content of
 * a table of normalisation, `normalization-1.txt` or `normalization-nmt-nfkc-1.txt`, by its name.
 */
class Bundle(file: File, table: (String) -> String) {
    private val files = ZipFile(file).use { zip ->
        val version = Regex("edgeline-bundle/(\\d+) ").find(zip.comment.orEmpty())?.groupValues?.get(1)
        require(version == "1" || version == "2") { "no bundle of format version 1 or 2, but of ${version ?: "none"}" }
        zip.entries().asSequence().associate { entry ->
            entry.name to zip.getInputStream(entry).use { String(it.readBytes(), Charsets.UTF_8) }
        }
    }
    private val manifest = JSONObject(files.getValue("manifest.json"))
    private val sections = manifest.optJSONArray("inputs")?.objects()
    private val text = if (sections == null) manifest else textOf(sections)
    private val column = text?.optString("column", "text")
    private val inputs = manifest.optJSONArray("inputs")?.let { tableOf(it) }.orEmpty()
    /** Null where the model reads no text. */
    val tokenizer: Tokenizer? = text?.let { tokenizerOf(it, table) }

    /** Names of the answers, in the order of the model's output; none where answers are no names. */
    val labels: List<String> = lines("labels.txt")

    val target = Target(manifest, labels)

    /** Names of the model's inputs. */
    val tensors: List<String> =
        (if (text == null) emptyList() else listOf("token_ids", "padding_mask")) + inputs.flatMap { it.tensors }

    /** The fields of a record; the text's, which has no name in format 1, is `text` there. */
    val columns: List<String> = sections?.map { it.getString("column") } ?: listOf("text")

    /** What the model takes for a record, such as `mapOf("text" to "good film", "price" to 3.5)`, one a window. */
    fun encode(record: Map<String, Any?>): List<Tensors> {
        val unknown = record.keys - columns
        require(unknown.isEmpty()) { "the model reads no field ${unknown.first()}; it reads $columns" }
        val others = inputs.fold(emptyMap<String, Any>()) { all, input -> all + input.encode(record[input.column]) }
        if (text == null || tokenizer == null) return listOf(others)
        val mayLack = inputs.isNotEmpty() && text.optBoolean("optional")
        val own = record[column!!] ?: ""
        require(own is String && (own.isNotEmpty() || mayLack)) { "$column must be a string that is not empty" }
        return tokenizer.encode(own, text.optString("long_text", "head"), text.optInt("max_windows", Int.MAX_VALUE))
            .map { (ids, mask) -> others + mapOf("token_ids" to ids, "padding_mask" to mask) }
    }

    /** The answer for a record, from what the model gave to each of its windows. */
    fun answer(windows: List<FloatArray>): Answer = target.answer(windows)

    /** What is said of the text; null where the model reads none. */
    private fun textOf(sections: List<JSONObject>): JSONObject? {
        val texts = sections.filter { it.getString("kind") == "text" }
        require(texts.size <= 1) { "the bundle has ${texts.size} inputs of kind text, this reader runs those with one" }
        return texts.firstOrNull()
    }

    private fun tokenizerOf(text: JSONObject, table: (String) -> String): Tokenizer {
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
        return content.split('\n').dropLast(1) // every line ends with a line feed
    }
}
