"""From the bytes of pictures to pixels, in a graph: what `edgeline_edge.picture` does without TensorFlow.

Both sides add and divide whole numbers alone, so no order of adding and no kernel of any library changes a pixel.
"""

from __future__ import annotations

import modules  # noqa: F401  (settles Keras 2 before TensorFlow is imported)

import tensorflow as tf

from edgeline_edge.picture import GREY, JPEG, PNG

_PARALLEL = 4  # a large picture takes some hundred megabytes while it is made small


def pixels(contents: tf.Tensor, height: int, width: int, channels: int) -> tf.Tensor:
    """Decodes and resizes a batch.

    Args:
        contents: string `[batch]`: the bytes of a JPEG or PNG each, or these in base64; empty where there is none.
        height: of the result.
        width: of the result.
        channels: 1 or 3.

    Returns:
        uint8 `[batch, height, width, channels]`; zeros where there is no picture.
    """
    shape = [height, width, channels]

    def one(content: tf.Tensor) -> tf.Tensor:
        made = tf.cond(
            tf.equal(tf.strings.length(content), 0),
            lambda: tf.zeros(shape, tf.uint8),
            lambda: fitted(_decoded(content), height, width, channels),
        )
        return tf.ensure_shape(made, shape)

    return tf.map_fn(one, contents, fn_output_signature=tf.TensorSpec(shape, tf.uint8), parallel_iterations=_PARALLEL)


def fitted(image: tf.Tensor, height: int, width: int, channels: int) -> tf.Tensor:
    """Grey where one channel is wanted, and resized by area; `edgeline_edge.picture.fitted` says how.

    Args:
        image: uint8 `[any, any, 3]`.
        height: of the result.
        width: of the result.
        channels: 1 or 3.

    Returns:
        uint8 `[height, width, channels]`.
    """
    values = tf.cast(image, tf.int32)
    if channels == 1:
        values = (tf.reduce_sum(values * tf.constant(GREY), axis=2, keepdims=True) + 500) // 1000
    size = tf.cast(tf.shape(values)[:2], tf.int64)
    rows = tf.cast(_cells(values, height), tf.int64)
    sums = tf.transpose(_cells(tf.transpose(rows, [1, 0, 2]), width), [1, 0, 2])
    area = size[0] * size[1]
    return tf.cast((sums + area // 2) // area, tf.uint8)


def _decoded(content: tf.Tensor) -> tf.Tensor:
    # One operation takes either format. The exact transform is the one that Pillow's library takes by default.
    found = tf.io.decode_jpeg(_unpacked(content), channels=3, dct_method="INTEGER_ACCURATE")
    return tf.ensure_shape(found, [None, None, 3])


def _unpacked(content: tf.Tensor) -> tf.Tensor:
    """The bytes of a file that may have come in base64, which begins with neither format's bytes."""

    def from_base64() -> tf.Tensor:
        body = tf.strings.regex_replace(content, r"^data:[^,]*,|[\s=]", "")
        # TensorFlow knows the alphabet of addresses alone.
        return tf.io.decode_base64(tf.strings.regex_replace(tf.strings.regex_replace(body, r"\+", "-"), "/", "_"))

    begins = [tf.equal(tf.strings.substr(content, 0, len(magic)), magic) for magic in (JPEG, PNG)]
    return tf.cond(tf.logical_or(*begins), lambda: content, from_base64)


def _cells(values: tf.Tensor, size: int) -> tf.Tensor:
    """See `edgeline_edge.picture`: sums over `size` equal cells of the first axis, times `size`, in the same type."""
    count = tf.shape(values)[0]
    nothing = tf.zeros_like(values[:1])
    sums = tf.concat([nothing, tf.cumsum(values, axis=0)], axis=0)
    places = tf.range(size + 1) * count
    whole = places // size
    rest = tf.cast(tf.reshape(places % size, [-1, 1, 1]), values.dtype)
    until = size * tf.gather(sums, whole) + rest * tf.gather(values, tf.minimum(whole, count - 1))
    return until[1:] - until[:-1]
