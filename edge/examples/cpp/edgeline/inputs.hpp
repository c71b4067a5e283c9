// What a device does before the model with the columns beside the text, as Transform does it, number by number.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "json.hpp"

namespace edgeline {

// A field of a record: nothing, a number, or a string in UTF-8.
using Field = std::variant<std::monostate, double, std::string>;
using Record = std::map<std::string, Field>;
using Tensor = std::variant<std::vector<std::int32_t>, std::vector<float>>;

class TableInput {
 public:
  explicit TableInput(const Json& section)
      : column(section["column"].string()), tensor(section["tensors"].array().at(0).string()) {
    if (section["tensors"].array().size() != 1)
      throw std::runtime_error("the input " + section["name"].string() + " has more than one tensor");
  }
  virtual ~TableInput() = default;

  // What the model takes for a value of the column. Throws std::invalid_argument where it is of another type.
  virtual Tensor encode(const Field& value) const = 0;

  const std::string column, tensor;

 protected:
  static const Json& needed(const Json& section, const char* field) {
    const Json& found = section[field];
    if (!found.is_null()) return found;
    throw std::runtime_error("the input " + section["name"].string() + " says nothing of its " + field);
  }
};

// A number: scaled in float32, and a flag where a record has none; float32 `[1, 2]`.
class NumberInput : public TableInput {
 public:
  explicit NumberInput(const Json& section)
      : TableInput(section),
        mean_(static_cast<float>(needed(section, "mean").number())),
        factor_(static_cast<float>(needed(section, "factor").number())),
        limit_(static_cast<float>(needed(section, "limit").number())) {
    if (!(std::isfinite(mean_) && std::isfinite(factor_) && factor_ > 0))
      throw std::runtime_error("the input " + section["name"].string() + " cannot be scaled by its mean and factor");
  }

  Tensor encode(const Field& value) const override {
    const double* number = std::get_if<double>(&value);
    if (!number && !std::holds_alternative<std::monostate>(value))
      throw std::invalid_argument(column + " must be a number or nothing");
    if (!number || std::isnan(*number)) return std::vector<float>{0, 1};
    // Each operation is one of float32, as in Transform, and gives the same bits.
    const float difference = static_cast<float>(*number) - mean_;
    const float scaled = difference * factor_;
    return std::vector<float>{std::min(std::max(scaled, -limit_), limit_), 0};
  }

 private:
  static_assert(std::numeric_limits<float>::is_iec559, "what is beyond float32 must become infinite");

  float mean_, factor_, limit_;
};

// A category: its number in Transform's vocabulary; 1 for a value that is not in it, 0 for none; int32 `[1]`.
class CategoryInput : public TableInput {
 public:
  explicit CategoryInput(const Json& section) : TableInput(section) {
    for (const auto& value : needed(section, "values").array())
      ids_.emplace(value.string(), kFirst + static_cast<std::int32_t>(ids_.size()));
  }

  Tensor encode(const Field& value) const override {
    if (std::holds_alternative<double>(value)) throw std::invalid_argument(column + " must be a string or nothing");
    const auto* text = std::get_if<std::string>(&value);
    if (!text || text->empty()) return std::vector<std::int32_t>{kMissing};
    const auto found = ids_.find(*text);
    return std::vector<std::int32_t>{found == ids_.end() ? kUnknown : found->second};
  }

 private:
  static constexpr std::int32_t kMissing = 0, kUnknown = 1, kFirst = 2;
  std::unordered_map<std::string, std::int32_t> ids_;
};

// Of the manifest's `inputs` those beside the text. Throws std::runtime_error for a kind that is unknown here.
inline std::vector<std::unique_ptr<TableInput>> table_of(const Json::Array& sections) {
  std::vector<std::unique_ptr<TableInput>> table;
  for (const auto& section : sections) {
    const std::string& kind = section["kind"].string();
    if (kind == "number") {
      table.push_back(std::make_unique<NumberInput>(section));
    } else if (kind == "category") {
      table.push_back(std::make_unique<CategoryInput>(section));
    } else if (kind != "text") {
      throw std::runtime_error("the input " + section["name"].string() + " is of kind " + kind +
                               ", these headers know text, number, category");
    }
  }
  return table;
}

}  // namespace edgeline
