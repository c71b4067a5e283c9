package edgeline

/** WordPiece; ids are those of the vocabulary, and special tokens are found by name. */
class WordPiece(vocabulary: List<String>, length: Int, private val normalization: Normalization) : Tokenizer(
    length, vocabulary.indexOf("[CLS]"), vocabulary.indexOf("[SEP]"), vocabulary.indexOf("[PAD]")
) {
    private val heads = vocabulary.withIndex().associate { (id, token) -> token to id }
    private val tails = heads.filterKeys { it.startsWith("##") }.mapKeys { it.key.substring(2) }
    private val longest = vocabulary.fold(0) { most, token -> maxOf(most, token.length) }
    private val unknown = listOf(heads.getValue("[UNK]"))

    override fun pieces(text: String) =
        normalization.apply(text).split(' ').filter { it.isNotEmpty() }.flatMap(::cut)

    private fun cut(word: String): List<Int> {
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
