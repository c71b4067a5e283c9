package edgeline

import java.util.TreeMap

/**
 * What becomes of every code point, and of some sequences of them. The tables are `normalization-1.txt` for WordPiece
 * and `normalization-nmt-nfkc-1.txt` for Unigram; their heads explain their grammar.
 */
class Normalization(table: String) {
    private class Range(val last: Int, val rule: String)

    private val images = HashMap<Int, String>()
    private val ranges = TreeMap<Int, Range>()
    private val sequences = HashMap<List<Int>, String>()
    private val later = HashSet<Int>() // what stands in a sequence behind its first code point
    private var longest = 0
    private var jamo = false

    init {
        table.lineSequence().filter { it.isNotEmpty() && !it.startsWith("#") }.forEach(::read)
    }

    /** Words are parted by spaces afterwards, and by nothing else. */
    fun apply(text: String): String = buildString {
        val points = text.codePoints().toArray() // a lone surrogate is one here, and the table makes it a space
        var at = 0
        while (at < points.size) {
            // From left to right, the longest sequence that stands there, else the code point.
            val (length, image) = sequence(points, at) ?: Pair(1, images[points[at]] ?: find(points[at]))
            append(image)
            at += length
        }
    }

    private fun sequence(points: IntArray, at: Int): Pair<Int, String>? {
        if (at + 1 >= points.size) return null
        if (points[at + 1] in later) {
            for (length in minOf(longest, points.size - at) downTo 2) {
                sequences[points.slice(at until at + length)]?.let { return Pair(length, it) }
            }
        }
        return if (jamo) composed(points[at], points[at + 1], points.getOrElse(at + 2) { 0 }) else null
    }

    /** Length and syllable of conjoining jamo, by the arithmetic of Hangul syllables, Unicode chapter 3.12. */
    private fun composed(first: Int, second: Int, third: Int): Pair<Int, String>? {
        val tails = 0x11A8..0x11C2
        if (first in 0x1100..0x1112 && second in 0x1161..0x1175) {
            val syllable = 0xAC00 + ((first - 0x1100) * 21 + second - 0x1161) * 28
            return if (third in tails) Pair(3, string(syllable + third - 0x11A7)) else Pair(2, string(syllable))
        }
        val isOpen = first in 0xAC00..0xD7A3 && (first - 0xAC00) % 28 == 0
        return if (isOpen && second in tails) Pair(2, string(first + second - 0x11A7)) else null
    }

    private fun read(line: String) {
        if (line == "jamo") {
            jamo = true
            return
        }
        val (source, rule) = line.split(' ', limit = 2)
        if ('+' in source) {
            val points = source.split('+').map { it.toInt(16) }
            sequences[points] = rule.split(' ').joinToString("") { string(it.toInt(16)) }
            later += points.drop(1)
            longest = maxOf(longest, points.size)
            return
        }
        val step = if (source.endsWith("/2")) 2 else 1
        val ends = source.removeSuffix("/2").split('-').map { it.toInt(16) }
        if (rule in setOf("-", "_", "|", "hangul")) {
            ranges[ends.first()] = Range(ends.last(), rule)
            return
        }
        for (point in ends.first()..ends.last() step step) {
            images[point] = rule.split(' ').joinToString("") {
                if (it == "_") " " else string(it.toInt(16) + point - ends.first())
            }
        }
    }

    private fun find(point: Int): String {
        val itself = string(point)
        val range = ranges.floorEntry(point)?.value?.takeIf { point <= it.last } ?: return itself
        return when (range.rule) {
            "-" -> ""
            "_" -> " "
            "|" -> " $itself "
            else -> { // the arithmetic of Hangul syllables, Unicode chapter 3.12
                val index = point - 0xAC00
                val jamo = listOf(0x1100 + index / 588, 0x1161 + index % 588 / 28, 0x11A7 + index % 28)
                jamo.take(if (index % 28 == 0) 2 else 3).joinToString("") { string(it) }
            }
        }
    }

    private fun string(point: Int) = String(Character.toChars(point))
}
