// What a device does before the model with the columns beside the text, as Transform does it, number by number.
#pragma once

#include <memory>

#include "category.hpp"
#include "image.hpp"
#include "number.hpp"
#include "time.hpp"
#include "vector.hpp"

namespace edgeline {

// Of the manifest's `inputs` those beside the text. Throws std::runtime_error for a kind that is unknown here.
inline std::vector<std::unique_ptr<TableInput>> table_of(const Json::Array& sections) {
  std::vector<std::unique_ptr<TableInput>> table;
  for (const auto& section : sections) {
    const std::string& kind = section["kind"].string();
    if (kind == "number") {
      table.push_back(std::make_unique<NumberInput>(section));
    } else if (kind == "category") {
      table.push_back(std::make_unique<CategoryInput>(section));
    } else if (kind == "time") {
      table.push_back(std::make_unique<TimeInput>(section));
    } else if (kind == "vector") {
      table.push_back(std::make_unique<VectorInput>(section));
    } else if (kind == "image") {
      table.push_back(std::make_unique<ImageInput>(section));
    } else if (kind != "text") {
      throw std::runtime_error("the input " + section["name"].string() + " is of kind " + kind +
                               ", these headers know text, number, category, time, vector, image");
    }
  }
  return table;
}

}  // namespace edgeline
