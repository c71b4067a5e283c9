/**
 * What the Kotlin reader makes of a bundle, line by line, as `edge/examples/cpp/try.cpp` does it for the C++ headers:
 * `ids`, `records` or `answers`, BUNDLE, DATA and what else `ids` takes. docs/edge.md says how the tests run it.
 */
package edgeline

import java.io.File
import java.io.PrintStream
import kotlin.system.exitProcess
import org.json.JSONArray
import org.json.JSONObject
import org.json.JSONTokener

private fun bytesOf(hex: String) = ByteArray(hex.length / 2) { hex.substring(2 * it, 2 * it + 2).toInt(16).toByte() }

private fun fieldOf(value: Any?): Any? = when {
    value === JSONObject.NULL -> null
    value is JSONArray -> List(value.length()) { fieldOf(value.get(it)) }
    value is JSONObject && value.has("float") -> value.getString("float").toDouble()
    value is JSONObject && value.has("pixels") -> {
        val (height, width, channels) = listOf("height", "width", "channels").map { value.getInt(it) }
        Picture(height, width, channels, bytesOf(value.getString("pixels")))
    }
    else -> value
}

private fun numbersOf(values: Any): List<String> = when (values) {
    is IntArray -> values.map { it.toString() }
    is FloatArray -> values.map { it.toString() }
    else -> (values as ByteArray).map { (it.toInt() and 0xff).toString() }
}

private fun answered(answer: Answer): String {
    val name = answer.number?.toString() ?: answer.label ?: answer.labels.joinToString("") { "$it," }
    return (listOf(name) + (answer.scores.values + listOf(answer.low, answer.high)).filterNotNull()).joinToString(" ")
}

private fun said(what: String, bundle: Bundle, line: String, rest: List<String>): String = when (what) {
    "records" -> {
        val record = JSONObject(line)
        val fields = record.keys().asSequence().associateWith { fieldOf(record.get(it)) }
        bundle.encode(fields).flatMap { it.entries.sortedBy { part -> part.key } }
            .joinToString("") { (name, values) -> (listOf(name) + numbersOf(values)).joinToString(" ") + ";" }
    }
    "answers" -> {
        val windows = JSONArray(line)
        answered(bundle.answer(List(windows.length()) { window ->
            val own = windows.getJSONArray(window)
            FloatArray(own.length()) { own.getDouble(it).toFloat() }
        }))
    }
    else -> {
        val text = String(bytesOf(line), Charsets.UTF_8)
        val rows = bundle.tokenizer!!.encode(text, rest[0], rest[1].toInt())
        rows.joinToString("") { (ids, _) -> ids.joinToString("") { "$it " } }
    }
}

fun main(arguments: Array<String>) {
    val (what, path, data) = arguments
    val out = PrintStream(System.out, false, "UTF-8")
    try {
        val bundle = Bundle(File(path)) { File(data, it).readText() }
        generateSequence { readLine() }.forEach { line ->
            val answer = try {
                said(what, bundle, line, arguments.drop(3))
            } catch (error: IllegalArgumentException) {
                "error: ${error.message}"
            }
            out.print("$answer\n")
        }
    } catch (error: IllegalArgumentException) {
        System.err.println(error.message)
        exitProcess(1)
    } finally {
        out.flush()
    }
}
