// A number: scaled in float32 as Transform scaled it, and a flag where a record has none; float32 `[1, 2]`.
#pragma once

#include <algorithm>
#include <cmath>

#include "base.hpp"

namespace edgeline {

// A difference from the mean times a factor, each operation one of float32, as in Transform, and of the same bits.
inline float scaled(double value, float mean, float factor, float limit) {
  const float difference = static_cast<float>(value) - mean;
  return std::min(std::max(difference * factor, -limit), limit);
}

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

  Tensors encode(const Field& value) const override {
    const double* number = std::get_if<double>(&value);
    if (!number && !std::holds_alternative<std::monostate>(value))
      throw std::invalid_argument(column + " must be a number or nothing");
    if (!number || std::isnan(*number)) return {{tensors[0], std::vector<float>{0, 1}}};
    return {{tensors[0], std::vector<float>{scaled(*number, mean_, factor_, limit_), 0}}};
  }

 private:
  float mean_, factor_, limit_;
};

}  // namespace edgeline
