// A number out of a text, whatever the program's locale is.
#pragma once

#include <cmath>
#include <cstddef>
#include <limits>
#include <locale>
#include <sstream>
#include <string>
#include <string_view>

namespace edgeline {

// Whether a text is digits with a sign, a point and an exponent, and nothing else.
inline bool is_number(std::string_view text) {
  std::size_t at = 0;
  const auto one_of = [&](std::string_view some) {
    return at < text.size() && some.find(text[at]) != std::string_view::npos && ++at;
  };
  const auto digits = [&] {
    const std::size_t begin = at;
    while (one_of("0123456789")) {
    }
    return at - begin;
  };
  one_of("+-");
  std::size_t count = digits();
  if (one_of(".")) count += digits();
  if (count && one_of("eE")) {
    one_of("+-");
    if (!digits()) return false;
  }
  return count && at == text.size();
}

// Not a number where the text is none; beyond all floats infinite. (`strtod` reads a comma where the locale has one,
// and not every C++17 library has `std::from_chars` of a double.)
inline double number_of(std::string_view text) {
  if (!is_number(text)) return std::nan("");
  std::istringstream stream{std::string(text)};
  stream.imbue(std::locale::classic());
  double value = 0;
  stream >> value;
  // A library says that a number is too large by the largest one, or by an infinite one, and a failure.
  const bool is_beyond = stream.fail() && std::abs(value) >= std::numeric_limits<double>::max();
  return is_beyond ? std::copysign(std::numeric_limits<double>::infinity(), value) : value;
}

}  // namespace edgeline
