// WordPiece; ids are those of the vocabulary, and special tokens are found by name.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "archive.hpp"
#include "normalization.hpp"
#include "tokenizer.hpp"

namespace edgeline {

class WordPiece : public Tokenizer {
 public:
  // `vocabulary` is the content of `vocab.txt`.
  WordPiece(const std::string& vocabulary, std::size_t sequence_length, Normalization normalization)
      : WordPiece(numbered(vocabulary), sequence_length, std::move(normalization)) {}

  std::vector<std::int32_t> pieces(std::string_view text, std::size_t limit = SIZE_MAX) const override {
    std::vector<std::int32_t> ids;
    for (const auto& word : split(normalization_.apply(text), ' ')) {
      if (!word.empty()) append_pieces(ids, word);
      if (ids.size() >= limit) break;
    }
    return ids;
  }

 private:
  using Table = std::unordered_map<std::string, std::int32_t>;

  WordPiece(Table heads, std::size_t sequence_length, Normalization normalization)
      : Tokenizer(sequence_length, {heads.at("[CLS]"), heads.at("[SEP]"), heads.at("[PAD]")}),
        normalization_(std::move(normalization)),
        heads_(std::move(heads)),
        unknown_(heads_.at("[UNK]")) {
    for (const auto& [token, id] : heads_) {
      if (token.rfind("##", 0) == 0) tails_.emplace(token.substr(2), id);
      longest_ = std::max(longest_, token.size());
    }
  }

  static Table numbered(const std::string& vocabulary) {
    auto tokens = split(vocabulary, '\n');
    tokens.pop_back();  // every line ends with a line feed
    Table ids;
    for (std::size_t i = 0; i < tokens.size(); ++i) ids.emplace(tokens[i], i);
    return ids;
  }

  // The longest pieces from the left; `[UNK]` for the whole word if that fails, or if it has more than 100 bytes.
  void append_pieces(std::vector<std::int32_t>& ids, const std::string& word) const {
    const auto before = ids.size();
    const Table* table = &heads_;
    for (std::size_t start = 0; start < word.size(); table = &tails_) {
      auto length = word.size() > 100 ? 0 : std::min(longest_, word.size() - start);
      auto found = table->end();
      for (; length > 0 && (found = table->find(word.substr(start, length))) == table->end(); --length) {
      }
      if (!length) {
        ids.resize(before);
        ids.push_back(unknown_);
        return;
      }
      ids.push_back(found->second);
      start += length;
    }
  }

  Normalization normalization_;
  Table heads_, tails_;
  std::int32_t unknown_;
  std::size_t longest_ = 0;
};

}  // namespace edgeline
