// The files that a bundle carries behind its flatbuffer.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
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
  const auto seal = bundle.substr(std::min(end + 22, bundle.size()), 18);
  if (seal != "edgeline-bundle/1 " && seal != "edgeline-bundle/2 ")
    throw std::runtime_error("not a bundle of format version 1 or 2, which is what these headers read");
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

}  // namespace edgeline
