// Readings of fixed length: scaled by channel in float32 as Transform scaled them, and beside those of a step a flag
// for each that is missing; float32 `[1, steps, 2 * channels]`.
#pragma once

#include <cmath>
#include <string_view>

#include "../number.hpp"
#include "../utf8.hpp"
#include "number.hpp"

namespace edgeline {

class VectorInput : public TableInput {
 public:
  explicit VectorInput(const Json& section)
      : TableInput(section),
        steps_(static_cast<std::size_t>(needed(section, "shape").array().at(0).number())),
        channels_(static_cast<std::size_t>(needed(section, "shape").array().at(1).number())),
        means_(floats(needed(section, "means"))),
        factors_(floats(needed(section, "factors"))),
        limit_(static_cast<float>(needed(section, "limit").number())) {
    bool whole = means_.size() == channels_ && factors_.size() == channels_;
    for (std::size_t i = 0; whole && i < channels_; ++i)
      whole = std::isfinite(means_[i]) && std::isfinite(factors_[i]) && factors_[i] > 0;
    if (!whole)
      throw std::runtime_error("the input " + section["name"].string() + " has " + std::to_string(channels_) +
                               " channels and is not scaled by as many");
  }

  // Readings; or a text of them, a list of JSON or numbers between spaces, commas or semicolons; or one number.
  Tensors encode(const Field& value) const override {
    const Readings readings = read(value);
    if (readings.size() != steps_ * channels_)
      throw std::invalid_argument(column + " has " + std::to_string(readings.size()) + " readings; the model reads " +
                                  std::to_string(steps_) + " x " + std::to_string(channels_));
    std::vector<float> made(2 * readings.size(), 0);
    for (std::size_t i = 0; i < readings.size(); ++i) {
      const std::size_t channel = i % channels_, at = 2 * (i - channel) + channel;
      if (std::isnan(readings[i]))
        made[at + channels_] = 1;
      else
        made[at] = scaled(readings[i], means_[channel], factors_[channel], limit_);
    }
    return {{tensors[0], made}};
  }

 private:
  Readings read(const Field& value) const {
    if (const auto* readings = std::get_if<Readings>(&value)) return *readings;
    if (const auto* number = std::get_if<double>(&value)) return {*number};
    const auto* text = std::get_if<std::string>(&value);
    if (!text && !std::holds_alternative<std::monostate>(value))
      throw std::invalid_argument(column + " must be readings or nothing");
    if (!text || is_blank(*text)) return Readings(steps_ * channels_, std::nan(""));
    constexpr std::string_view separators = " \t\n\v\f\r,;[]";
    Readings found;
    for (std::size_t at = 0; (at = text->find_first_not_of(separators, at)) != std::string::npos;) {
      const std::size_t end = std::min(text->find_first_of(separators, at), text->size());
      found.push_back(reading(text->substr(at, end - at)));
      at = end;
    }
    return found;
  }

  double reading(const std::string& text) const {
    std::string lower;
    for (const char c : text) lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower == "null" || lower == "nan" || lower == "none" || lower == "na") return std::nan("");
    const double value = number_of(text);
    if (!std::isnan(value)) return value;
    throw std::invalid_argument(column + " holds '" + text.substr(0, 40) + "', which is no number");
  }

  // Whether there is nothing but what Python calls blanks: a missing value everywhere.
  static bool is_blank(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::uint32_t c = next_code_point(text, at);
      const bool blank = (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x20) || c == 0x85 || c == 0xA0 ||
                         c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F ||
                         c == 0x205F || c == 0x3000;
      if (!blank) return false;
    }
    return true;
  }

  static std::vector<float> floats(const Json& list) {
    std::vector<float> found;
    for (const auto& item : list.array()) found.push_back(static_cast<float>(item.number()));
    return found;
  }

  std::size_t steps_, channels_;
  std::vector<float> means_, factors_;
  float limit_;
};

}  // namespace edgeline
