// A category: its number in Transform's vocabulary; 1 for a value that is not in it, 0 for none; int32 `[1]`.
#pragma once

#include <unordered_map>

#include "base.hpp"

namespace edgeline {

class CategoryInput : public TableInput {
 public:
  explicit CategoryInput(const Json& section) : TableInput(section) {
    for (const auto& value : needed(section, "values").array())
      ids_.emplace(value.string(), kFirst + static_cast<std::int32_t>(ids_.size()));
  }

  Tensors encode(const Field& value) const override {
    const auto* text = std::get_if<std::string>(&value);
    if (!text && !std::holds_alternative<std::monostate>(value))
      throw std::invalid_argument(column + " must be a string or nothing");
    if (!text || text->empty()) return {{tensors[0], std::vector<std::int32_t>{kMissing}}};
    const auto found = ids_.find(*text);
    return {{tensors[0], std::vector<std::int32_t>{found == ids_.end() ? kUnknown : found->second}}};
  }

 private:
  static constexpr std::int32_t kMissing = 0, kUnknown = 1, kFirst = 2;
  std::unordered_map<std::string, std::int32_t> ids_;
};

}  // namespace edgeline
