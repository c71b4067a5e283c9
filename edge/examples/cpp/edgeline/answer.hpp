// From what the model gives to the answer: the mean of a text's windows, calibration, and what the target says.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "json.hpp"

namespace edgeline {

struct Answer {
  std::string label;                // of a target of one label
  std::vector<std::string> labels;  // of many labels: those that are answered, in the model's order
  std::vector<float> scores;        // of either: of every label, in the model's order
  float number = 0;                 // of a number
  std::optional<float> low, high;   // its interval, where there is one
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

// What a manifest says of the answer.
class Target {
 public:
  // Throws std::runtime_error where these headers do not know it, or the manifest contradicts itself.
  Target(const Json& manifest, std::vector<std::string> labels)
      : labels_(std::move(labels)), calibration_(manifest["calibration"]), decision_(manifest["decision"]) {
    const Json& section = manifest["target"];
    if (!section.is_null()) kind_ = section["kind"].string();
    if (kind_ == "number") {
      output_ = "number";
      if (!labels_.empty()) throw std::runtime_error("a target of kind number has no labels");
      if (!section["min"].is_null()) lowest_ = static_cast<float>(section["min"].number());
      if (!section["max"].is_null()) highest_ = static_cast<float>(section["max"].number());
      if (!(lowest_ < highest_)) throw std::runtime_error("the target's bounds leave no number");
      if (!decision_.is_null()) half_width_ = static_cast<float>(needed("half_width").number());
    } else if (kind_ == "many_labels") {
      for (const auto& label : labels_)
        thresholds_.push_back(
            decision_.is_null() ? 0.5f : static_cast<float>(needed("thresholds", label).number()));
      if (!decision_.is_null() && decision_["thresholds"].object().size() != labels_.size())
        throw std::runtime_error("the decision has no threshold for each label and none else");
    } else if (kind_ == "one_label") {
      if (!decision_.is_null()) {
        threshold_ = static_cast<float>(needed("threshold").number());
        asked_ = std::find(labels_.begin(), labels_.end(), needed("label").string()) - labels_.begin();
        if (labels_.size() != 2 || asked_ > 1) throw std::runtime_error("the decision is about no one of two labels");
      }
    } else {
      throw std::runtime_error("the target is of kind " + kind_ +
                               ", these headers know one_label, many_labels, number");
    }
    if (!section.is_null() && section["output"].string() != output_)
      throw std::runtime_error("the target's output is " + section["output"].string() + ", of its kind it is " +
                               output_);
  }

  const std::string& kind() const { return kind_; }
  // What the model's output is called, and how many numbers it gives for a row.
  const std::string& output() const { return output_; }
  std::size_t outputs() const { return kind_ == "number" ? 1 : labels_.size(); }
  const std::vector<std::string>& labels() const { return labels_; }

  // `windows` holds the model's output for each row of one text, or of the one row that a record without a text is.
  Answer answer(const std::vector<std::vector<float>>& windows) const {
    std::vector<float> found(outputs(), 0);
    for (const auto& window : windows) {
      if (window.size() != found.size()) throw std::invalid_argument("the model gives another number of outputs");
      const auto own = calibration_.is_null()
                           ? window
                           : calibrated(window, static_cast<float>(calibration_["temperature"].number()));
      for (std::size_t i = 0; i < found.size(); ++i) found[i] += own[i];
    }
    for (auto& value : found) value /= static_cast<float>(windows.size());
    Answer answer;
    if (kind_ == "number") {
      const auto within = [&](float value) { return std::min(std::max(value, lowest_), highest_); };
      answer.number = within(found[0]);
      if (half_width_) {
        answer.low = within(answer.number - *half_width_);
        answer.high = within(answer.number + *half_width_);
      }
      return answer;
    }
    answer.scores = found;
    if (kind_ == "many_labels") {
      for (std::size_t i = 0; i < found.size(); ++i)
        if (found[i] >= thresholds_[i]) answer.labels.push_back(labels_[i]);
      return answer;
    }
    std::size_t best = std::max_element(found.begin(), found.end()) - found.begin();  // of equals the first
    if (!decision_.is_null()) best = found[asked_] >= threshold_ ? asked_ : 1 - asked_;
    answer.label = labels_[best];
    return answer;
  }

 private:
  // What the decision must say of this kind of target.
  const Json& needed(const std::string& field, const std::string& label = "") const {
    const Json& found = decision_[field];
    const Json& own = found.is_null() || label.empty() ? found : found[label];
    if (own.is_null())
      throw std::runtime_error("the decision has no " + field + (label.empty() ? "" : " of " + label) +
                               ", which a target of kind " + kind_ + " wants");
    return own;
  }

  std::vector<std::string> labels_;
  const Json &calibration_, &decision_;
  std::string kind_ = "one_label", output_ = "probabilities";
  std::size_t asked_ = 0;
  float threshold_ = 0;
  std::vector<float> thresholds_;
  float lowest_ = -std::numeric_limits<float>::infinity(), highest_ = std::numeric_limits<float>::infinity();
  std::optional<float> half_width_;
};

}  // namespace edgeline
