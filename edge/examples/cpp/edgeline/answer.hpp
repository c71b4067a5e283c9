// From what the model gives to the answer: the mean of a text's windows, calibration, decision.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "json.hpp"

namespace edgeline {

struct Answer {
  std::string label;
  std::vector<float> scores;  // of every label, in the model's order
};

// Divides the logits by the temperature; up to a constant, logits are the logarithms of the probabilities.
inline std::vector<float> calibrated(std::vector<float> scores, float temperature) {
  for (auto& score : scores) score = std::log(std::max(score, std::numeric_limits<float>::min())) / temperature;
  const float largest = *std::max_element(scores.begin(), scores.end());
  float sum = 0;
  for (auto& score : scores) sum += score = std::exp(score - largest);
  for (auto& score : scores) score /= sum;
  return scores;
}

// `windows` holds the model's output for each row of one text; `manifest` may have a `calibration` and a `decision`.
inline Answer answer(const std::vector<std::vector<float>>& windows, const std::vector<std::string>& labels,
                     const Json& manifest) {
  const Json &calibration = manifest["calibration"], &decision = manifest["decision"];
  std::vector<float> scores(labels.size(), 0);
  for (const auto& window : windows) {
    if (window.size() != labels.size()) throw std::invalid_argument("the model gives another number of scores");
    const auto own = calibration.is_null()
                         ? window
                         : calibrated(window, static_cast<float>(calibration["temperature"].number()));
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i] += own[i];
  }
  for (auto& score : scores) score /= static_cast<float>(windows.size());
  std::size_t best = std::max_element(scores.begin(), scores.end()) - scores.begin();  // of equals the first
  if (!decision.is_null()) {
    const std::size_t asked = labels[0] == decision["label"].string() ? 0 : 1;
    best = scores[asked] >= static_cast<float>(decision["threshold"].number()) ? asked : 1 - asked;
  }
  return {labels[best], scores};
}

}  // namespace edgeline
