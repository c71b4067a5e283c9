package edgeline

/** Pieces of a text to rows of ids of one length: what every tokenizer does alike. */
abstract class Tokenizer(private val length: Int, private val start: Int, private val end: Int, private val pad: Int) {
    /** The ids of a text without special tokens. */
    abstract fun pieces(text: String): List<Int>

    /**
     * `token_ids` and `padding_mask` of one text, one pair a window. `longText` and `maxWindows` are the manifest's:
     * what to read of a text that does not fit. The text's scores are the mean of those of its windows.
     */
    fun encode(text: String, longText: String, maxWindows: Int = Int.MAX_VALUE): List<Pair<IntArray, IntArray>> {
        val room = length - 2
        val pieces = pieces(text)
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
        val row = listOf(start) + pieces + end
        val ids = IntArray(length) { row.getOrElse(it) { pad } }
        return ids to IntArray(length) { if (it < row.size) 1 else 0 }
    }
}
