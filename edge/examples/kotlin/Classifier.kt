/**
 * Reads an Edgeline bundle, tokenizes text and classifies it on Android with LiteRT.
 *
 * Dependency: `com.google.ai.edge.litert:litert`. Ship `model.tflite` and the Python package's `normalization-1.txt`.
 */
package edgeline

import com.google.ai.edge.litert.Accelerator
import com.google.ai.edge.litert.CompiledModel
import java.io.File
import java.util.TreeMap
import java.util.zip.ZipFile
import org.json.JSONObject

/** What becomes of every code point; the head of the table explains its grammar. */
class Normalization(table: String) {
    private class Range(val last: Int, val rule: String)

    private val images = HashMap<Int, String>()
    private val ranges = TreeMap<Int, Range>()

    init {
        table.lineSequence().filter { it.isNotEmpty() && !it.startsWith("#") }.forEach(::read)
    }

    /** Words are parted by spaces afterwards, and by nothing else. */
    fun apply(text: String): String = buildString {
        var at = 0
        while (at < text.length) {
            val point = text.codePointAt(at) // a lone surrogate is a code point here, and the table makes it a space
            append(images[point] ?: find(point))
            at += Character.charCount(point)
        }
    }

    private fun read(line: String) {
        val (source, rule) = line.split(' ', limit = 2)
        val step = if (source.endsWith("/2")) 2 else 1
        val ends = source.removeSuffix("/2").split('-').map { it.toInt(16) }
        if (rule in setOf("-", "_", "|", "hangul")) {
            ranges[ends.first()] = Range(ends.last(), rule)
            return
        }
        for (point in ends.first()..ends.last() step step) {
            images[point] = rule.split(' ').joinToString("") {
                if (it == "_") " " else String(Character.toChars(it.toInt(16) + point - ends.first()))
            }
        }
    }

    private fun find(point: Int): String {
        val itself = String(Character.toChars(point))
        val range = ranges.floorEntry(point)?.value?.takeIf { point <= it.last } ?: return itself
        return when (range.rule) {
            "-" -> ""
            "_" -> " "
            "|" -> " $itself "
            else -> { // the arithmetic of Hangul syllables, Unicode chapter 3.12
                val index = point - 0xAC00
                val jamo = listOf(0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11A7 + index % 28)
                jamo.take(if (index % 28 == 0) 2 else 3).joinToString("") { String(Character.toChars(it)) }
            }
        }
    }
}

/** WordPiece; ids are those of the vocabulary, and special tokens are found by name. */
class Tokenizer(vocabulary: List<String>, private val length: Int, private val normalization: Normalization) {
    private val heads = vocabulary.withIndex().associate { (id, token) -> token to id }
    private val tails = heads.filterKeys { it.startsWith("##") }.mapKeys { it.key.substring(2) }
    private val longest = vocabulary.maxOf { it.length }

    /**
     * `token_ids` and `padding_mask` of one text, one pair a window. `longText` and `maxWindows` are the manifest's:
     * what to read of a text that does not fit. The text's scores are the mean of those of its windows.
     */
    fun encode(text: String, longText: String = "head", maxWindows: Int = Int.MAX_VALUE): List<Pair<IntArray, IntArray>> {
        val room = length - 2
        val pieces = normalization.apply(text).split(' ').filter { it.isNotEmpty() }.flatMap(::cut)
        val spare = maxOf(0, pieces.size - room)
        return when (longText) {
            "windows" -> {
                val count = minOf(maxOf(1, (pieces.size + room - 1) / room), maxWindows)
                (0 until count).map { row(pieces.drop(it * spare / maxOf(1, count - 1)).take(room)) }
            }
            "head_tail" -> {
                val first = minOf(pieces.size, (room + 1) / 2)
                listOf(row(pieces.take(first) + pieces.drop(first + spare)))
            }
            else -> listOf(row(pieces.take(room)))
        }
    }

    private fun row(pieces: List<Int>): Pair<IntArray, IntArray> {
        val row = listOf(heads.getValue("[CLS]")) + pieces + heads.getValue("[SEP]")
        val ids = IntArray(length) { row.getOrElse(it) { heads.getValue("[PAD]") } }
        return ids to IntArray(length) { if (it < row.size) 1 else 0 }
    }

    private fun cut(word: String): List<Int> {
        val unknown = listOf(heads.getValue("[UNK]"))
        if (word.toByteArray().size > 100) return unknown
        val pieces = mutableListOf<Int>()
        var start = 0
        while (start < word.length) {
            val table = if (start == 0) heads else tails
            val end = (minOf(word.length, start + longest) downTo start + 1)
                .firstOrNull { word.substring(start, it) in table } ?: return unknown
            pieces += table.getValue(word.substring(start, end))
            start = end
        }
        return pieces
    }
}

/** One bundle, loaded. Not thread-safe. What the manifest says of `calibration` and `decision` is left to the reader. */
class Classifier(bundle: File, normalizationTable: String) : AutoCloseable {
    private val files = ZipFile(bundle).use { zip ->
        require(zip.comment.orEmpty().startsWith("edgeline-bundle/1 ")) { "not a bundle of a text alone (format 1)" }
        listOf("manifest.json", "labels.txt", "vocab.txt").associateWith { name ->
            zip.getInputStream(zip.getEntry(name)).use { it.readBytes().decodeToString() }
        }
    }
    private val manifest = JSONObject(files.getValue("manifest.json"))
    private val tokenizer =
        Tokenizer(lines("vocab.txt"), manifest.getInt("sequence_length"), Normalization(normalizationTable))
    private val model = CompiledModel.create(bundle.path, CompiledModel.Options(Accelerator.CPU))
    private val inputs = listOf("token_ids", "padding_mask").associateWith { model.createInputBuffer(it, SIGNATURE) }
    private val outputs = listOf("probabilities").associateWith { model.createOutputBuffer(it, SIGNATURE) }

    val labels: List<String> = lines("labels.txt")

    /** The score of each label. */
    fun classify(text: String): Map<String, Float> {
        val windows = tokenizer.encode(
            text, manifest.optString("long_text", "head"), manifest.optInt("max_windows", Int.MAX_VALUE)
        ).map { (ids, mask) ->
            inputs.getValue("token_ids").writeInt(ids)
            inputs.getValue("padding_mask").writeInt(mask)
            model.run(inputs, outputs, SIGNATURE)
            outputs.getValue("probabilities").readFloat()
        }
        return labels.withIndex().associate { (index, label) ->
            label to windows.map { it[index] }.average().toFloat()
        }
    }

    override fun close() {
        (inputs.values + outputs.values).forEach { it.close() }
        model.close()
    }

    private fun lines(name: String) = files.getValue(name).removeSuffix("\n").split('\n')

    private companion object {
        const val SIGNATURE = "serving_default"
    }
}
