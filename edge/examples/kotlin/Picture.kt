package edgeline

import org.json.JSONObject

/**
 * Pixels `[height, width, channels]`, a byte each: grey, red, green and blue, or these with transparency, which is left
 * away. Of a file, decode them without orientation and colour profile; `pictureOf` takes an Android bitmap's.
 */
class Picture(val height: Int, val width: Int, val channels: Int, val pixels: ByteArray)

/** The picture of a bitmap, `bitmap.getPixels(argb, 0, width, 0, 0, width, height)`. */
fun pictureOf(argb: IntArray, width: Int, height: Int): Picture {
    val pixels = ByteArray(3 * argb.size) { (argb[it / 3] shr (16 - 8 * (it % 3))).toByte() }
    return Picture(height, width, 3, pixels)
}

/**
 * A picture: its pixels, resized as Transform resized them; uint8 `[1, height, width, channels]`, and where it may be
 * missing a flag, float32 `[1, 1]`. The model scales the pixels itself.
 */
class ImageInput(section: JSONObject) : TableInput(section, most = 2) {
    private val height = section.needed("height").getInt("height")
    private val width = section.needed("width").getInt("width")
    private val channels = section.needed("channels").getInt("channels")

    init {
        val resize = section.needed("resize").getString("resize")
        require(resize == "area") { "the input $name is resized by $resize, this reader knows area" }
        require((channels == 1 || channels == 3) && height in 1..LARGEST_SIZE && width in 1..LARGEST_SIZE) {
            "the input $name is of $height × $width × $channels pixels"
        }
    }

    override fun encode(value: Any?): Tensors {
        if (value == null || value == "") {
            require(tensors.size == 2) { "$column is missing, and the model always wants a picture" }
            return mapOf(tensors[0] to ByteArray(height * width * channels), tensors[1] to floatArrayOf(0f))
        }
        require(value is Picture) { "$column must be a Picture or null" }
        val pixels = mapOf<String, Any>(tensors[0] to fitted(checked(value)))
        return if (tensors.size == 2) pixels + (tensors[1] to floatArrayOf(1f)) else pixels
    }

    private fun checked(picture: Picture): Picture {
        val area = picture.width.toLong() * picture.height
        require(picture.width in 1..MOST_SIDE && picture.height in 1..MOST_SIDE && area <= MOST_PIXELS) {
            "$column: a picture of ${picture.width} × ${picture.height} pixels is empty or too large"
        }
        require(picture.channels in listOf(1, 3, 4) && picture.pixels.size.toLong() == area * picture.channels) {
            "$column: ${picture.pixels.size} bytes are no picture of its size with 1, 3 or 4 channels"
        }
        return picture
    }

    /** Grey where one channel is wanted, then each pixel the mean of what it covers, in whole numbers, halves up. */
    private fun fitted(picture: Picture): ByteArray {
        val area = picture.width.toLong() * picture.height
        val columns = cells(picture.width, width)
        val made = ByteArray(height * width * channels)
        var at = 0
        for (row in cells(picture.height, height)) {
            val sums = LongArray(picture.width * channels)
            for ((source, share) in row) {
                for (index in sums.indices) {
                    val pixel = source * picture.width + index / channels
                    sums[index] += share.toLong() * value(picture, pixel, index % channels)
                }
            }
            for (column in columns) {
                for (channel in 0 until channels) {
                    var sum = area / 2
                    for ((source, share) in column) sum += share * sums[source * channels + channel]
                    made[at++] = (sum / area).toByte()
                }
            }
        }
        return made
    }

    private fun value(picture: Picture, pixel: Int, channel: Int): Int {
        fun byte(of: Int) = picture.pixels[pixel * picture.channels + of].toInt() and 0xff
        if (picture.channels == 1) return byte(0)
        return if (channels == 1) (299 * byte(0) + 587 * byte(1) + 114 * byte(2) + 500) / 1000 else byte(channel)
    }

    private companion object {
        const val LARGEST_SIZE = 512
        const val MOST_SIDE = 10_000
        const val MOST_PIXELS = 25_000_000L

        /** For each of `size` equal cells of `count` values: the values that it covers, how much of each, in 1/size. */
        fun cells(count: Int, size: Int): List<List<Pair<Int, Int>>> = List(size) { cell ->
            val begin = cell * count
            val end = begin + count
            (begin / size..(end - 1) / size).map {
                it to minOf((it + 1) * size, end) - maxOf(it * size, begin)
            }
        }
    }
}
