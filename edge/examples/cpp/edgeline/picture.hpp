// Pixels as a model takes them, in whole numbers alone, so that every device makes the same bytes of the same pixels.
//
// A file is decoded by what the program has for it (red, green and blue, without orientation and colour profile); a
// binary PPM or PGM is read here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace edgeline {

constexpr std::size_t kMostSide = 10000, kMostPixels = 25000000, kLargestSize = 512;

// Pixels `[height, width, channels]`: grey, red, green and blue, or these with transparency, which is left away.
struct Picture {
  std::size_t height = 0, width = 0, channels = 0;
  std::vector<std::uint8_t> pixels;
};

// The picture itself. Throws std::invalid_argument where it is none that can be used; `where` is how that calls it.
inline const Picture& checked(const Picture& picture, const std::string& where) {
  const auto is_side = [](std::size_t side) { return side > 0 && side <= kMostSide; };
  if (!is_side(picture.width) || !is_side(picture.height) || picture.width * picture.height > kMostPixels)
    throw std::invalid_argument(where + ": a picture of " + std::to_string(picture.width) + " x " +
                                std::to_string(picture.height) + " pixels is empty or too large");
  if (picture.channels != 1 && picture.channels != 3 && picture.channels != 4)
    throw std::invalid_argument(where + ": a picture of " + std::to_string(picture.channels) +
                                " channels; it has 1, 3 or 4");
  if (picture.pixels.size() != picture.width * picture.height * picture.channels)
    throw std::invalid_argument(where + ": " + std::to_string(picture.pixels.size()) +
                                " bytes are no picture of its size");
  return picture;
}

// For each of `size` equal cells of `count` values: the values that it covers, and how much of each, in 1/size.
inline std::vector<std::vector<std::pair<std::size_t, std::int64_t>>> cells(std::size_t count, std::size_t size) {
  std::vector<std::vector<std::pair<std::size_t, std::int64_t>>> found(size);
  for (std::size_t cell = 0; cell < size; ++cell) {
    const std::size_t begin = cell * count, end = begin + count;
    for (std::size_t source = begin / size; source * size < end; ++source)
      found[cell].emplace_back(source, std::min((source + 1) * size, end) - std::max(source * size, begin));
  }
  return found;
}

// `[height, width, channels]`: grey where one channel is wanted, then each pixel the mean of what it covers, halves
// rounded up. The size is at most `kLargestSize`, `channels` 1 or 3.
inline std::vector<std::uint8_t> fitted(const Picture& picture, std::size_t height, std::size_t width,
                                        std::size_t channels) {
  const auto value = [&](std::size_t at, std::size_t channel) -> std::int64_t {
    const std::uint8_t* pixel = &picture.pixels[at * picture.channels];
    if (picture.channels == 1) return pixel[0];
    return channels == 1 ? (299 * pixel[0] + 587 * pixel[1] + 114 * pixel[2] + 500) / 1000 : pixel[channel];
  };
  const auto area = static_cast<std::int64_t>(picture.height * picture.width);
  const auto rows = cells(picture.height, height), columns = cells(picture.width, width);
  std::vector<std::uint8_t> made;
  made.reserve(height * width * channels);
  for (const auto& row : rows) {
    std::vector<std::int64_t> sums(picture.width * channels, 0);
    for (const auto& [source, share] : row)
      for (std::size_t x = 0; x < picture.width; ++x)
        for (std::size_t channel = 0; channel < channels; ++channel)
          sums[x * channels + channel] += share * value(source * picture.width + x, channel);
    for (const auto& column : columns)
      for (std::size_t channel = 0; channel < channels; ++channel) {
        std::int64_t sum = area / 2;
        for (const auto& [source, share] : column) sum += share * sums[source * channels + channel];
        made.push_back(static_cast<std::uint8_t>(sum / area));
      }
  }
  return made;
}

// A picture of a binary PPM (P6) or PGM (P5) of 8 bits. Throws std::invalid_argument where `content` is none.
inline Picture picture_of_pnm(std::string_view content) {
  std::size_t at = 2;
  const auto number = [&] {
    const auto next = [&] { return at < content.size() ? content[at] : '\0'; };
    while (next() == ' ' || (next() >= '\t' && next() <= '\r') || next() == '#')
      if (next() != '#')
        ++at;
      else
        while (at < content.size() && content[at] != '\n') ++at;
    std::size_t found = 0;
    for (const std::size_t begin = at; next() >= '0' && next() <= '9' && at < begin + 6; ++at)
      found = 10 * found + static_cast<std::size_t>(next() - '0');
    return found;
  };
  const auto kind = content.substr(0, 2);
  Picture picture;
  picture.channels = kind == "P6" ? 3 : kind == "P5" ? 1 : 0;
  picture.width = number();
  picture.height = number();
  const bool is_plain = number() == 255 && picture.channels;
  ++at;  // the blank before the pixels
  const bool is_sized = picture.width <= kMostSide && picture.height <= kMostSide;
  const std::size_t size = picture.width * picture.height * picture.channels;
  if (!is_plain || !is_sized || at > content.size() || content.size() - at < size)
    throw std::invalid_argument("it is no binary PPM or PGM of 8 bits");
  const auto pixels = content.substr(at, size);
  picture.pixels.assign(pixels.begin(), pixels.end());
  return picture;
}

}  // namespace edgeline
