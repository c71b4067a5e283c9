// What becomes of a text before WordPiece, by the Python package's table.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "archive.hpp"
#include "utf8.hpp"

namespace edgeline {

// What becomes of every code point: the table `normalization-1.txt` of the Python package.
class Normalization {
 public:
  explicit Normalization(const std::string& table) {
    for (const auto& line : split(table, '\n')) {
      if (line.empty() || line[0] == '#') continue;
      const auto space = line.find(' ');
      const std::string source = line.substr(0, space), rule = line.substr(space + 1);
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
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
      const auto c = next_code_point(text, at);
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
};

}  // namespace edgeline
