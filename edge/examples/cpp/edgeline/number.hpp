// A number out of a text, whatever the program's locale is.
#pragma once

#include <cmath>
#include <locale>
#include <sstream>
#include <string>
#include <string_view>

namespace edgeline {

// Not a number where the text is none. (`strtod` reads a comma where the locale has one, and not every C++17 library
// has `std::from_chars` of a double.)
inline double number_of(std::string_view text) {
  std::istringstream stream{std::string(text)};
  stream.imbue(std::locale::classic());
  double value = 0;
  return stream >> value && stream.peek() == std::istringstream::traits_type::eof() ? value : std::nan("");
}

}  // namespace edgeline
