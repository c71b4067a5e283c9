// Reads an Edgeline bundle and tokenizes text, in C++17 with the standard library alone.
//
// Running the model is LiteRT's part (see docs/edge.md); this gives it its inputs, the same as every other
// implementation does. `tests/test_examples.py` compares the ids with those of the Python package.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace edgeline {

inline std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error(path + ": cannot be read");
  return {std::istreambuf_iterator<char>(stream), {}};
}

inline std::vector<std::string> split(std::string_view text, char at) {
  std::vector<std::string> parts;
  for (std::size_t start = 0, end; start <= text.size(); start = end + 1) {
    end = std::min(text.find(at, start), text.size());
    parts.emplace_back(text.substr(start, end - start));
  }
  return parts;
}

// The files behind the flatbuffer: a zip whose entries are stored. Verify the file's SHA-256 before (it is in the
// archive's comment), or take the file from where nobody else can write.
inline std::unordered_map<std::string, std::string> attached_files(std::string_view bundle) {
  const auto number = [&](std::size_t at, int bytes) {
    if (at + bytes > bundle.size()) throw std::runtime_error("the bundle is cut off");
    std::uint32_t value = 0;
    for (int i = bytes - 1; i >= 0; --i) value = value << 8 | static_cast<unsigned char>(bundle[at + i]);
    return value;
  };
  const auto end = bundle.rfind(std::string_view("PK\5\6", 4));
  if (end == std::string_view::npos) throw std::runtime_error("a TFLite model, but no bundle");
  if (bundle.substr(std::min(end + 22, bundle.size()), 18) != "edgeline-bundle/1 ")
    throw std::runtime_error("not a bundle of format version 1, of a text alone, which is what this header reads");
  std::unordered_map<std::string, std::string> files;
  std::size_t entry = number(end + 16, 4);
  for (auto left = number(end + 10, 2); left > 0; --left) {
    const std::size_t size = number(entry + 24, 4), name = number(entry + 28, 2), offset = number(entry + 42, 4);
    if (number(entry, 4) != 0x02014b50 || number(entry + 10, 2) != 0 || offset + 30 + name + size > bundle.size())
      throw std::runtime_error("a zip entry is not valid");
    files.emplace(bundle.substr(entry + 46, name), bundle.substr(offset + 30 + name, size));
    entry += 46 + name;
  }
  return files;
}

inline void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr std::array<unsigned char, 4> lead = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(lead[more] | c >> 6 * more);
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | (c >> 6 * i & 0x3F));
}

// The code point at `at`, which moves on; U+FFFD for bytes that are not UTF-8.
inline std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const std::uint32_t first = byte(at++);
  if (first < 0x80) return first;
  if (first < 0xC2 || first > 0xF4) return 0xFFFD;
  const int more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
  std::uint32_t c = first & (0x3F >> more);
  for (int i = 0; i < more; ++i) {
    // The second byte must not make an overlong form, a surrogate, or something beyond U+10FFFF.
    const std::uint32_t low = i ? 0x80 : first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const std::uint32_t high = i ? 0xBF : first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(at) < low || byte(at) > high) return 0xFFFD;
    c = c << 6 | (byte(at++) & 0x3F);
  }
  return c;
}

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

class Tokenizer {
 public:
  struct Row {
    std::vector<std::int32_t> token_ids, padding_mask;
  };

  Tokenizer(const std::string& vocabulary, std::size_t sequence_length, Normalization normalization)
      : length_(sequence_length), normalization_(std::move(normalization)) {
    auto tokens = split(vocabulary, '\n');
    tokens.pop_back();  // every line ends with a line feed
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      heads_.emplace(tokens[i], i);
      if (tokens[i].rfind("##", 0) == 0) tails_.emplace(tokens[i].substr(2), i);
      longest_ = std::max(longest_, tokens[i].size());
    }
  }

  // Rows of `[CLS] pieces [SEP] [PAD] …`: one, or one a window. `long_text` and `max_windows` are the manifest's: what
  // to read of a text that does not fit. The text's scores are the mean of those of its rows.
  std::vector<Row> encode(std::string_view text, std::string_view long_text = "head",
                          std::size_t max_windows = SIZE_MAX) const {
    const std::size_t room = length_ - 2;
    std::vector<std::int32_t> ids;
    for (const auto& word : split(normalization_.apply(text), ' ')) {
      if (!word.empty()) append_pieces(ids, word);
      if (long_text == "head" && ids.size() >= room) break;
    }
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

 private:
  Row row(const std::vector<std::int32_t>& pieces, std::size_t start, std::size_t room) const {
    std::vector<std::int32_t> ids = {heads_.at("[CLS]")};
    ids.insert(ids.end(), pieces.begin() + start, pieces.begin() + std::min(pieces.size(), start + room));
    ids.push_back(heads_.at("[SEP]"));
    Row row{ids, std::vector<std::int32_t>(ids.size(), 1)};
    row.token_ids.resize(length_, heads_.at("[PAD]"));
    row.padding_mask.resize(length_, 0);
    return row;
  }

  using Table = std::unordered_map<std::string, std::int32_t>;

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
        ids.push_back(heads_.at("[UNK]"));
        return;
      }
      ids.push_back(found->second);
      start += length;
    }
  }

  std::size_t length_, longest_ = 0;
  Normalization normalization_;
  Table heads_, tails_;
};

}  // namespace edgeline
