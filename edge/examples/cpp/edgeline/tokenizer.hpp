// Rows of ids for a model: what all kinds of tokenizer share.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace edgeline {

class Tokenizer {
 public:
  struct Row {
    std::vector<std::int32_t> token_ids, padding_mask;
  };

  virtual ~Tokenizer() = default;

  // The ids of a text without special tokens; at least `limit` where it has as many.
  virtual std::vector<std::int32_t> pieces(std::string_view text, std::size_t limit = SIZE_MAX) const = 0;

  // Rows of `start pieces end pad …`: one, or one a window. `long_text` and `max_windows` are the manifest's: what to
  // read of a text that does not fit. The text's scores are the mean of those of its rows.
  std::vector<Row> encode(std::string_view text, std::string_view long_text = "head",
                          std::size_t max_windows = SIZE_MAX) const {
    const std::size_t room = length_ - 2;
    auto ids = pieces(text, long_text == "head" ? room : SIZE_MAX);
    const std::size_t spare = ids.size() > room ? ids.size() - room : 0;
    std::size_t count = 1;
    if (long_text == "windows")
      count = std::min(std::max<std::size_t>(1, (ids.size() + room - 1) / room), max_windows);
    else if (long_text == "head_tail" && spare)
      ids.erase(ids.begin() + (room + 1) / 2, ids.begin() + (room + 1) / 2 + spare);
    std::vector<Row> rows;
    for (std::size_t i = 0; i < count; ++i)
      rows.push_back(row(ids, i * spare / std::max<std::size_t>(1, count - 1), room));
    return rows;
  }

 protected:
  struct Special {
    std::int32_t start, end, pad;
  };

  Tokenizer(std::size_t sequence_length, Special special) : length_(sequence_length), special_(special) {
    if (length_ < 3) throw std::runtime_error("the window of the bundle is shorter than three tokens");
  }

 private:
  Row row(const std::vector<std::int32_t>& pieces, std::size_t start, std::size_t room) const {
    std::vector<std::int32_t> ids = {special_.start};
    ids.insert(ids.end(), pieces.begin() + start, pieces.begin() + std::min(pieces.size(), start + room));
    ids.push_back(special_.end);
    Row row{ids, std::vector<std::int32_t>(ids.size(), 1)};
    row.token_ids.resize(length_, special_.pad);
    row.padding_mask.resize(length_, 0);
    return row;
  }

  std::size_t length_;
  Special special_;
};

}  // namespace edgeline
