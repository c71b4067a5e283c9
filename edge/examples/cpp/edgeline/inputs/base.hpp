// What every kind of input promises: from a value of its column to what the model takes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <variant>
#include <vector>

#include "../json.hpp"
#include "../picture.hpp"

namespace edgeline {

// Numbers step by step; NaN where one is missing.
using Readings = std::vector<double>;
// A field of a record: nothing, a number, a string in UTF-8, the readings of a vector, or the pixels of a picture.
using Field = std::variant<std::monostate, double, std::string, Readings, Picture>;
using Record = std::map<std::string, Field>;
using Tensor = std::variant<std::vector<std::int32_t>, std::vector<float>, std::vector<std::uint8_t>>;
// Tensors of the model by name, for one run.
using Tensors = std::map<std::string, Tensor>;

class TableInput {
 public:
  // `most` is how many tensors an input of its kind may have.
  explicit TableInput(const Json& section, std::size_t most = 1) : column(section["column"].string()) {
    for (const auto& name : section["tensors"].array()) tensors.push_back(name.string());
    if (tensors.empty() || tensors.size() > most)
      throw std::runtime_error("the input " + section["name"].string() + " has more tensors than its kind can have");
  }
  virtual ~TableInput() = default;

  // What the model takes for a value of the column. Throws std::invalid_argument where it cannot be used.
  virtual Tensors encode(const Field& value) const = 0;

  const std::string column;
  std::vector<std::string> tensors;

 protected:
  static_assert(std::numeric_limits<float>::is_iec559, "what is beyond float32 must become infinite");

  static const Json& needed(const Json& section, const char* field) {
    const Json& found = section[field];
    if (!found.is_null()) return found;
    throw std::runtime_error("the input " + section["name"].string() + " says nothing of its " + field);
  }
};

}  // namespace edgeline
