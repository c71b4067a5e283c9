// A picture: its pixels, resized as Transform resized them; uint8 `[1, height, width, channels]`, and where it may be
// missing a flag, float32 `[1, 1]`. The model scales the pixels itself.
#pragma once

#include "base.hpp"

namespace edgeline {

class ImageInput : public TableInput {
 public:
  explicit ImageInput(const Json& section)
      : TableInput(section, 2),
        height_(size_of(section, "height")),
        width_(size_of(section, "width")),
        channels_(size_of(section, "channels")) {
    if (needed(section, "resize").string() != "area")
      throw std::runtime_error("the input " + section["name"].string() + " is resized by " +
                               section["resize"].string() + ", these headers know area");
    if ((channels_ != 1 && channels_ != 3) || !height_ || !width_ || height_ > kLargestSize || width_ > kLargestSize)
      throw std::runtime_error("the input " + section["name"].string() + " is of another size than these headers know");
  }

  Tensors encode(const Field& value) const override {
    const auto* picture = std::get_if<Picture>(&value);
    const auto* text = std::get_if<std::string>(&value);
    if (!picture && !std::holds_alternative<std::monostate>(value) && !(text && text->empty()))
      throw std::invalid_argument(column + " must be a picture or nothing");
    if (!picture && tensors.size() == 1)
      throw std::invalid_argument(column + " is missing, and the model always wants a picture");
    Tensors made;
    if (tensors.size() == 2) made[tensors[1]] = std::vector<float>{picture ? 1.0f : 0.0f};
    made[tensors[0]] = picture ? fitted(checked(*picture, column), height_, width_, channels_)
                               : std::vector<std::uint8_t>(height_ * width_ * channels_, 0);
    return made;
  }

 private:
  static std::size_t size_of(const Json& section, const char* field) {
    const double said = needed(section, field).number();
    return said >= 1 && said <= kLargestSize ? static_cast<std::size_t>(said) : 0;
  }

  std::size_t height_, width_, channels_;
};

}  // namespace edgeline
