package edgeline

/**
 * Unigram: a text is cut into the pieces whose scores add up to most. `table` holds the lines of `pieces.tsv`, each
 * `PIECE<tab>SCORE`, the number of the line being the id.
 *
 * Sums are those of SentencePiece to the last bit, float32 with a sum in float64 at each comparison: which of two equal
 * ways is taken depends on it.
 */
class Unigram(table: List<String>, length: Int, private val normalization: Normalization) :
    Tokenizer(length, START, END, PAD) {
    private class Node {
        var id = -1
        var score = 0f
        var next: HashMap<Int, Node>? = null
    }

    private val root = Node()
    private val unknownScore: Float

    init {
        val special = listOf("<s>", "<pad>", "</s>", "<unk>")
        require(table.take(4).map { it.substringBefore('\t') } == special) { "the pieces must begin with $special" }
        var worst = Float.POSITIVE_INFINITY
        for ((id, line) in table.withIndex().drop(special.size)) {
            val score = line.substringAfter('\t', "").toDoubleOrNull()?.toFloat()
            require(score != null && line.indexOf('\t') > 0) { "line ${id + 1} of the pieces is no piece" }
            worst = minOf(worst, score)
            var node = root
            line.substringBefore('\t').codePoints().forEach { point ->
                node = (node.next ?: HashMap<Int, Node>().also { node.next = it }).getOrPut(point) { Node() }
            }
            node.id = id
            node.score = score
        }
        unknownScore = (worst.toDouble() - UNKNOWN_PENALTY).toFloat()
    }

    override fun pieces(text: String): List<Int> {
        val words = normalization.apply(text).split(' ').filter { it.isNotEmpty() }
        return best(words.joinToString("") { SPACE + it }.codePoints().toArray())
    }

    /** The ids of the best way through the code points of a normalised text. */
    private fun best(points: IntArray): List<Int> {
        val scores = FloatArray(points.size + 1) // of the best way to each place
        val ids = IntArray(points.size + 1)
        val begins = IntArray(points.size + 1) { -1 }
        fun offer(start: Int, end: Int, id: Int, score: Double) {
            if (begins[end] >= 0 && score <= scores[end].toDouble()) return
            scores[end] = score.toFloat()
            ids[end] = id
            begins[end] = start
        }
        for (start in points.indices) {
            val until = scores[start].toDouble()
            var alone = false
            var node = root.next?.get(points[start])
            var end = start + 1
            while (node != null) {
                if (node.id >= 0) {
                    offer(start, end, node.id, until + node.score.toDouble())
                    alone = alone || end == start + 1
                }
                node = if (end < points.size) node.next?.get(points[end]) else null
                end += 1
            }
            if (!alone) offer(start, start + 1, UNKNOWN, (until + unknownScore.toDouble()).toFloat().toDouble())
        }
        val found = mutableListOf<Int>()
        var end = points.size
        while (end > 0) {
            // A run of unknown code points is one.
            if (ids[end] != UNKNOWN || found.lastOrNull() != UNKNOWN) found += ids[end]
            end = begins[end]
        }
        return found.reversed()
    }

    private companion object {
        const val START = 0
        const val PAD = 1
        const val END = 2
        const val UNKNOWN = 3
        const val SPACE = "\u2581"
        const val UNKNOWN_PENALTY = 10.0
    }
}
