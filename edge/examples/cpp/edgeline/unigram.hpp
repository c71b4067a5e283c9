// Unigram: a text is cut into the pieces whose scores add up to most.
//
// Sums are those of SentencePiece to the last bit, float32 with a sum in float64 at each comparison: which of two equal
// ways is taken depends on it.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "archive.hpp"
#include "normalization.hpp"
#include "number.hpp"
#include "tokenizer.hpp"
#include "utf8.hpp"

namespace edgeline {

class Unigram : public Tokenizer {
 public:
  // `table` is the content of `pieces.tsv`: lines `PIECE<tab>SCORE`, the number of the line being the id.
  Unigram(std::string_view table, std::size_t sequence_length, Normalization normalization)
      : Tokenizer(sequence_length, {kStart, kEnd, kPad}), normalization_(std::move(normalization)), nodes_(1) {
    constexpr std::array<std::string_view, 4> special = {"<s>", "<pad>", "</s>", "<unk>"};
    float worst = std::numeric_limits<float>::infinity();
    std::int32_t id = 0;
    for (std::size_t at = 0, end; at < table.size(); at = end + 1, ++id) {
      end = std::min(table.find('\n', at), table.size());
      const auto line = table.substr(at, end - at);
      const auto tab = line.find('\t');
      const auto piece = line.substr(0, tab);
      const auto score = tab == std::string_view::npos ? std::nan("") : number_of(line.substr(tab + 1));
      const bool is_special = id < static_cast<std::int32_t>(special.size());
      if (piece.empty() || !std::isfinite(score) || (is_special && piece != special[id]))
        throw std::runtime_error("line " + std::to_string(id + 1) + " of the pieces is no piece");
      if (is_special) continue;
      worst = std::min(worst, static_cast<float>(score));
      add(piece, id, static_cast<float>(score));
    }
    unknown_score_ = static_cast<float>(static_cast<double>(worst) - kUnknownPenalty);
  }

  // All of the text decides on each of its pieces, so there is nothing to save by a limit.
  std::vector<std::int32_t> pieces(std::string_view text, std::size_t = SIZE_MAX) const override {
    std::vector<std::uint32_t> points;
    bool space = true;  // before the first code point, and where there are several: one
    const std::string normalized = normalization_.apply(text);
    for (std::size_t at = 0; at < normalized.size();) {
      const auto point = next_code_point(normalized, at);
      if (point == ' ') {
        space = true;
        continue;
      }
      if (space) points.push_back(kSpace);
      space = false;
      points.push_back(point);
    }
    return best(points);
  }

 private:
  static constexpr std::int32_t kStart = 0, kPad = 1, kEnd = 2, kUnknown = 3;
  static constexpr std::uint32_t kSpace = 0x2581;
  static constexpr double kUnknownPenalty = 10;

  struct Node {
    std::int32_t id = -1;
    float score = 0;
    bool is_leaf = true;
  };

  static std::uint64_t edge(std::size_t node, std::uint32_t point) {
    return static_cast<std::uint64_t>(node) << 21 | point;
  }

  void add(std::string_view piece, std::int32_t id, float score) {
    std::size_t node = 0;
    for (std::size_t at = 0; at < piece.size();) {
      nodes_[node].is_leaf = false;
      const auto [found, is_new] = edges_.emplace(edge(node, next_code_point(piece, at)), nodes_.size());
      node = found->second;
      if (is_new) nodes_.emplace_back();
    }
    nodes_[node].id = id;
    nodes_[node].score = score;
  }

  // The ids of the best way through the code points of a normalised text.
  std::vector<std::int32_t> best(const std::vector<std::uint32_t>& points) const {
    struct Place {
      float score = 0;  // of the best way to here
      std::int32_t id = -1;
      std::size_t begin = SIZE_MAX;
    };
    std::vector<Place> places(points.size() + 1);
    for (std::size_t start = 0; start < points.size(); ++start) {
      const double until = places[start].score;
      bool alone = false;
      std::size_t node = 0;
      for (std::size_t end = start; end < points.size() && !nodes_[node].is_leaf;) {
        const auto found = edges_.find(edge(node, points[end++]));
        if (found == edges_.end()) break;
        node = found->second;
        if (nodes_[node].id < 0) continue;
        const double score = until + static_cast<double>(nodes_[node].score);
        if (places[end].begin == SIZE_MAX || score > static_cast<double>(places[end].score))
          places[end] = {static_cast<float>(score), nodes_[node].id, start};
        alone = alone || end == start + 1;
      }
      if (alone) continue;
      const float score = static_cast<float>(until + static_cast<double>(unknown_score_));
      if (places[start + 1].begin == SIZE_MAX || score > places[start + 1].score)
        places[start + 1] = {score, kUnknown, start};
    }
    std::vector<std::int32_t> ids;
    for (std::size_t end = points.size(); end > 0; end = places[end].begin)  // a run of unknown code points is one
      if (places[end].id != kUnknown || ids.empty() || ids.back() != kUnknown) ids.push_back(places[end].id);
    std::reverse(ids.begin(), ids.end());
    return ids;
  }

  Normalization normalization_;
  std::vector<Node> nodes_;
  std::unordered_map<std::uint64_t, std::size_t> edges_;
  float unknown_score_ = 0;
};

}  // namespace edgeline
