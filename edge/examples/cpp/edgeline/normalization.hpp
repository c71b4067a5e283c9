// What becomes of a text before a tokenizer, by the Python package's tables.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "archive.hpp"
#include "utf8.hpp"

namespace edgeline {

// What becomes of every code point, and of some sequences of them. The tables are `normalization-1.txt` for WordPiece
// and `normalization-nmt-nfkc-1.txt` for Unigram; their heads explain their grammar.
class Normalization {
 public:
  explicit Normalization(const std::string& table) {
    for (const auto& line : split(table, '\n')) {
      if (line.empty() || line[0] == '#') continue;
      if (line == "jamo") {
        jamo_ = true;
        continue;
      }
      const auto space = line.find(' ');
      const std::string source = line.substr(0, space), rule = line.substr(space + 1);
      if (source.find('+') != std::string::npos) {
        std::string image;
        for (const auto& part : split(rule, ' ')) append_utf8(image, std::stoul(part, nullptr, 16));
        std::u32string points;
        for (const auto& part : split(source, '+')) points += static_cast<char32_t>(std::stoul(part, nullptr, 16));
        later_.insert(points.begin() + 1, points.end());
        longest_ = std::max(longest_, points.size());
        sequences_.emplace(std::move(points), std::move(image));
        continue;
      }
      std::size_t used = 0;
      const std::uint32_t first = std::stoul(source, &used, 16);
      const std::uint32_t last = used < source.size() ? std::stoul(source.substr(used + 1), nullptr, 16) : first;
      const std::uint32_t step = source.find('/') == std::string::npos ? 1 : 2;
      if (rule == "-" || rule == "_" || rule == "|" || rule == "hangul") {
        ranges_.push_back({first, last, rule[0]});
        continue;
      }
      for (std::uint32_t c = first; c <= last; c += step) {
        std::string image;
        for (const auto& part : split(rule, ' '))
          part == "_" ? image.push_back(' ') : append_utf8(image, std::stoul(part, nullptr, 16) + c - first);
        images_.emplace(c, image);
      }
    }
    std::sort(ranges_.begin(), ranges_.end(), [](const Range& a, const Range& b) { return a.first < b.first; });
  }

  // Words are parted by spaces afterwards, and by nothing else.
  std::string apply(std::string_view text) const {
    std::u32string points;
    for (std::size_t at = 0; at < text.size();) points += static_cast<char32_t>(next_code_point(text, at));
    std::string out;
    for (std::size_t at = 0; at < points.size();) {
      // From left to right, the longest sequence that stands there, else the code point.
      if (const std::size_t length = append_sequence(out, std::u32string_view(points).substr(at))) {
        at += length;
        continue;
      }
      const std::uint32_t c = points[at++];
      const auto image = images_.find(c);
      image != images_.end() ? out += image->second : (append_rule(out, c), out);
    }
    return out;
  }

 private:
  struct Range {
    std::uint32_t first, last;
    char rule;
  };

  // Appends what becomes of the sequence that a text begins with, and returns its length; 0 if there is none.
  std::size_t append_sequence(std::string& out, std::u32string_view text) const {
    if (text.size() < 2) return 0;
    if (later_.count(text[1])) {
      for (std::size_t length = std::min(longest_, text.size()); length > 1; --length) {
        const auto found = sequences_.find(std::u32string(text.substr(0, length)));
        if (found == sequences_.end()) continue;
        out += found->second;
        return length;
      }
    }
    return jamo_ ? append_syllable(out, text) : 0;
  }

  // The same of conjoining jamo, by the arithmetic of Hangul syllables, Unicode chapter 3.12.
  static std::size_t append_syllable(std::string& out, std::u32string_view text) {
    const auto is_tail = [](char32_t c) { return c > 0x11A7 && c < 0x11C3; };
    if (text[0] >= 0x1100 && text[0] < 0x1113 && text[1] >= 0x1161 && text[1] < 0x1176) {
      const bool has_tail = text.size() > 2 && is_tail(text[2]);
      const char32_t syllable = 0xAC00 + ((text[0] - 0x1100) * 21 + text[1] - 0x1161) * 28;
      append_utf8(out, has_tail ? syllable + text[2] - 0x11A7 : syllable);
      return has_tail ? 3 : 2;
    }
    if (text[0] < 0xAC00 || text[0] >= 0xD7A4 || (text[0] - 0xAC00) % 28 != 0 || !is_tail(text[1])) return 0;
    append_utf8(out, text[0] + text[1] - 0x11A7);
    return 2;
  }

  void append_rule(std::string& out, std::uint32_t c) const {
    const auto begins_after = [](std::uint32_t point, const Range& candidate) { return point < candidate.first; };
    auto range = std::upper_bound(ranges_.begin(), ranges_.end(), c, begins_after);
    const char rule = range != ranges_.begin() && c <= (--range)->last ? range->rule : '=';
    if (rule == '-') return;
    if (rule == 'h') {  // the arithmetic of Hangul syllables, Unicode chapter 3.12
      const auto index = c - 0xAC00;
      append_utf8(out, 0x1100 + index / 588);
      append_utf8(out, 0x1161 + index % 588 / 28);
      if (index % 28) append_utf8(out, 0x11A7 + index % 28);
      return;
    }
    if (rule != '=') out += ' ';
    if (rule != '_') append_utf8(out, c);
    if (rule == '|') out += ' ';
  }

  std::unordered_map<std::uint32_t, std::string> images_;
  std::vector<Range> ranges_;
  std::unordered_map<std::u32string, std::string> sequences_;
  std::unordered_set<std::uint32_t> later_;  // what stands in one behind its first code point
  std::size_t longest_ = 0;
  bool jamo_ = false;
};

}  // namespace edgeline
