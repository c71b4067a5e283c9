package edgeline

import org.json.JSONObject

/**
 * A time: its places in the day, the week and the year, in whole numbers, then sine and cosine of each in float64; then
 * 0, or zeros and 1 where a record has none; float32 `[1, 2 * cycles + 1]`. A value is a date of ISO 8601 with or
 * without a time of day, or seconds since 1970 as a number or a text.
 */
class TimeInput(section: JSONObject) : TableInput(section) {
    private val cycles = section.needed("cycles").getJSONArray("cycles").strings()
    private val isLocal = section.needed("clock").getString("clock") == "local"

    init {
        val unknown = cycles.firstOrNull { it !in PLACES }
        require(unknown == null) { "the input $name has the cycle $unknown, this reader knows ${PLACES.keys}" }
    }

    override fun encode(value: Any?): Tensors {
        val text = textOf(value)
        val row = FloatArray(2 * cycles.size + 1)
        if (text.isEmpty()) {
            row[row.size - 1] = 1f
            return mapOf(tensors[0] to row)
        }
        val seconds = secondsOf(text)
        cycles.forEachIndexed { index, cycle ->
            val angle = 2.0 * Math.PI * placeOf(cycle, seconds) / PLACES.getValue(cycle)
            // StrictMath is the same on every device; what is rounded to float32 then is, too.
            row[2 * index] = StrictMath.sin(angle).toFloat()
            row[2 * index + 1] = StrictMath.cos(angle).toFloat()
        }
        return mapOf(tensors[0] to row)
    }

    /** A value as a cell of a file has it, empty where there is none. */
    private fun textOf(value: Any?): String {
        require(value == null || value is String || value is Number) { "$column must be a time or null" }
        if (value !is Number) return value as String? ?: ""
        val number = value.toDouble()
        if (number.isNaN()) return ""
        return if (Math.abs(number) < 1e18) value.toLong().toString() else number.toString()
    }

    private fun secondsOf(text: String): Long {
        SECONDS.matchEntire(text)?.let { return it.groupValues[1].toLong() }
        val parts = ISO.matchEntire(text)?.groupValues
        val numbers = parts?.map { it.toIntOrNull() ?: 0 }.orEmpty()
        val isTime = numbers.isNotEmpty() && numbers[1] in 1000..9998 && numbers[2] in 1..12 &&
            numbers[3] in 1..monthDays(numbers[1], numbers[2]) && numbers[4] < 24 && numbers[5] < 60 &&
            numbers[6] <= 60 && numbers[8] < 24 && numbers[9] < 60
        require(isTime) {
            "$column is '${text.take(60)}', which is no time: an ISO 8601 date such as 2024-05-03 or " +
                "2024-05-03T14:30:00+02:00, or seconds since 1970 (9 to 11 digits)"
        }
        val (year, month, day) = numbers.subList(1, 4)
        val days = yearBegin(year.toLong()) + (1 until month).sumBy { monthDays(year, it) } + day - 1
        val offset = (numbers[8] * 60 + numbers[9]) * 60 * (if (parts!![7] == "-") -1 else 1)
        return days * DAY + numbers[4] * 3600 + numbers[5] * 60 + numbers[6] - (if (isLocal) 0 else offset)
    }

    private fun placeOf(cycle: String, seconds: Long): Long {
        val days = Math.floorDiv(seconds, DAY)
        if (cycle == "hour_of_day") return (seconds - days * DAY) / 60
        if (cycle == "day_of_week") return Math.floorMod(days + 3, 7L)
        var year = 1970 + Math.floorDiv(days, 366L) // too early after 1970, too late before: put right below
        while (yearBegin(year + 1) <= days) year += 1
        while (yearBegin(year) > days) year -= 1
        return days - yearBegin(year)
    }

    private companion object {
        const val DAY = 86_400L
        val PLACES = mapOf("hour_of_day" to 1440, "day_of_week" to 7, "day_of_year" to 366)
        // Blanks and digits are those of ASCII, as everywhere else that reads a time.
        val ISO = Regex(
            "[ \\t-\\r]*([0-9]{4})-([0-9]{2})-([0-9]{2})" +
                "(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]+)?)?" +
                "[ \\t-\\r]*(?:[Zz]|([+-])([0-9]{2}):?([0-9]{2})|[+-]00)?)?[ \\t-\\r]*"
        )
        val SECONDS = Regex("[ \\t-\\r]*([0-9]{9,11})(?:\\.[0-9]+)?[ \\t-\\r]*")

        fun monthDays(year: Int, month: Int): Int = when (month) {
            2 -> if (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) 29 else 28
            4, 6, 9, 11 -> 30
            else -> 31
        }

        /** Days from 1970 to the first of January of a year. */
        fun yearBegin(year: Long): Long {
            val before = year - 1
            return 365 * (year - 1970) + before / 4 - before / 100 + before / 400 - 477
        }
    }
}
