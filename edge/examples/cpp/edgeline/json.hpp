// JSON as far as a manifest needs it (RFC 8259), with the standard library alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "number.hpp"
#include "utf8.hpp"

namespace edgeline {

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<std::pair<std::string, Json>>;

  // Throws std::runtime_error with the place of what is no JSON.
  static Json parse(std::string_view text) {
    Reader reader{text};
    Json value = reader.value(0);
    if (reader.next() != '\0' || reader.at < text.size()) reader.fail("the end");
    return value;
  }

  bool is_null() const { return std::holds_alternative<std::nullptr_t>(value_); }
  bool is_true() const { return std::holds_alternative<bool>(value_) && std::get<bool>(value_); }
  bool is_number() const { return std::holds_alternative<double>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  // What is returned is part of this value, so none of it may be asked of a value that is gone at the line's end.
  double number() const { return get<double>("a number"); }
  const std::string& string() const& { return get<std::string>("a string"); }
  const Array& array() const& { return get<Array>("an array"); }
  const Object& object() const& { return get<Object>("an object"); }
  const std::string& string() && = delete;
  const Array& array() && = delete;
  const Object& object() && = delete;

  // A field of an object; null where it has none of that name.
  const Json& operator[](const std::string& name) const& {
    static const Json nothing;
    const auto& fields = object();
    const auto is_it = [&](const auto& field) { return field.first == name; };
    const auto found = std::find_if(fields.rbegin(), fields.rend(), is_it);
    return found == fields.rend() ? nothing : found->second;
  }

 private:
  using Value = std::variant<std::nullptr_t, bool, double, std::string, Array, Object>;

  template <typename T>
  const T& get(const char* wanted) const {
    if (const T* found = std::get_if<T>(&value_)) return *found;
    throw std::runtime_error(std::string("the manifest has something else where ") + wanted + " should be");
  }

  struct Reader {
    std::string_view text;
    std::size_t at = 0;

    [[noreturn]] void fail(const char* wanted) const {
      throw std::runtime_error("not JSON: " + std::string(wanted) + " should be at byte " + std::to_string(at));
    }

    char next() {
      while (at < text.size() && std::string_view(" \t\r\n").find(text[at]) != std::string_view::npos) ++at;
      return at < text.size() ? text[at] : '\0';
    }

    bool take(std::string_view word) {
      if (text.substr(at, word.size()) != word) return false;
      at += word.size();
      return true;
    }

    Json value(int depth) {
      if (depth > 100) fail("less depth");
      switch (next()) {
        case '{': return members(depth);
        case '[': return items(depth);
        case '"': return Json(string());
      }
      if (take("null")) return Json();
      if (take("true")) return Json(true);
      if (take("false")) return Json(false);
      return Json(number());
    }

    Json members(int depth) {
      Object object;
      for (++at; next() != '}';) {
        if (!object.empty() && !take(",")) fail("a comma");
        if (next() != '"') fail("a name");
        std::string name = string();
        next();
        if (!take(":")) fail("a colon");
        object.emplace_back(std::move(name), value(depth + 1));
      }
      ++at;
      return Json(std::move(object));
    }

    Json items(int depth) {
      Array array;
      for (++at; next() != ']';) {
        if (!array.empty() && !take(",")) fail("a comma");
        array.push_back(value(depth + 1));
      }
      ++at;
      return Json(std::move(array));
    }

    double number() {
      const auto end = std::min(text.find_first_not_of("+-.0123456789eE", at), text.size());
      const double value = number_of(text.substr(at, end - at));
      if (std::isnan(value)) fail("a value");
      at = end;
      return value;
    }

    std::uint32_t hexadecimal() {
      std::uint32_t value = 0;
      for (const char digit : text.substr(at, 4)) {
        const auto place = std::string_view("0123456789abcdefABCDEF").find(digit);
        if (place == std::string_view::npos) fail("a hexadecimal digit");
        value = value << 4 | (place < 16 ? place : place - 6);
      }
      if ((at += 4) > text.size()) fail("four digits");
      return value;
    }

    std::string string() {
      std::string out;
      for (++at; at < text.size();) {
        const char c = text[at++];
        if (c == '"') return out;
        if (c != '\\') {
          out += c;
          continue;
        }
        constexpr std::string_view escapes = "\"\\/bfnrt", meant = "\"\\/\b\f\n\r\t";
        const char escape = at < text.size() ? text[at++] : '\0';
        const auto place = escapes.find(escape);
        if (place != std::string_view::npos) {
          out += meant[place];
        } else if (escape == 'u') {
          std::uint32_t point = hexadecimal();
          if (point >> 10 == 0xD800 >> 10 && text.substr(at, 2) == "\\u") {
            at += 2;
            point = 0x10000 + ((point & 0x3FF) << 10) + (hexadecimal() & 0x3FF);
          }
          append_utf8(out, point);
        } else {
          fail("an escape");
        }
      }
      fail("a quotation mark");
    }
  };

  Json() : value_(nullptr) {}
  template <typename T>
  explicit Json(T value) : value_(std::move(value)) {}

  Value value_;
};

}  // namespace edgeline
