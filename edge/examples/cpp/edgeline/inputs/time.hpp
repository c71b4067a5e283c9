// A time: its places in the day, the week and the year, in whole numbers, then sine and cosine of each in float64; then
// 0, or zeros and 1 where a record has none; float32 `[1, 2 * cycles + 1]`.
#pragma once

#include <cmath>
#include <string_view>

#include "base.hpp"

namespace edgeline {

class TimeInput : public TableInput {
 public:
  explicit TimeInput(const Json& section) : TableInput(section), local_(needed(section, "clock").string() == "local") {
    for (const auto& cycle : needed(section, "cycles").array()) {
      cycles_.push_back(cycle.string());
      if (cycle.string() != "hour_of_day" && cycle.string() != "day_of_week" && cycle.string() != "day_of_year")
        throw std::runtime_error("the input " + section["name"].string() + " has the cycle " + cycle.string());
    }
  }

  // A date of ISO 8601 with or without a time of day, or seconds since 1970 as a number or a text.
  Tensors encode(const Field& value) const override {
    std::vector<float> row(2 * cycles_.size() + 1, 0);
    std::string text;
    if (const auto* number = std::get_if<double>(&value)) {
      const bool is_whole = std::abs(*number) < 1e18;
      if (!std::isnan(*number)) text = is_whole ? std::to_string(static_cast<std::int64_t>(*number)) : "inf";
    } else if (const auto* said = std::get_if<std::string>(&value)) {
      text = *said;
    } else if (!std::holds_alternative<std::monostate>(value)) {
      throw std::invalid_argument(column + " must be a time or nothing");
    }
    if (text.empty()) {
      row.back() = 1;
      return {{tensors[0], row}};
    }
    const std::int64_t seconds = seconds_of(text), days = floor_of(seconds, kDay);
    for (std::size_t i = 0; i < cycles_.size(); ++i) {
      const auto [place, of] = place_of(cycles_[i], seconds, days);
      const double angle = 2.0 * kPi * static_cast<double>(place) / of;
      row[2 * i] = static_cast<float>(std::sin(angle));
      row[2 * i + 1] = static_cast<float>(std::cos(angle));
    }
    return {{tensors[0], row}};
  }

 private:
  static constexpr std::int64_t kDay = 86400;
  static constexpr double kPi = 3.141592653589793;

  static std::int64_t floor_of(std::int64_t value, std::int64_t by) {
    return value / by - (value % by < 0 ? 1 : 0);
  }

  static bool is_leap(std::int64_t year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

  // Days from 1970 to the first of January of a year.
  static std::int64_t year_begin(std::int64_t year) {
    const std::int64_t before = year - 1;
    return 365 * (year - 1970) + (before / 4 - before / 100 + before / 400) - 477;
  }

  static int month_days(std::int64_t year, int month) {
    static constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year) ? 1 : 0);
  }

  static std::pair<std::int64_t, int> place_of(const std::string& cycle, std::int64_t seconds, std::int64_t days) {
    if (cycle == "hour_of_day") return {(seconds - days * kDay) / 60, 1440};
    if (cycle == "day_of_week") return {((days + 3) % 7 + 7) % 7, 7};
    std::int64_t year = 1970 + floor_of(days, 366);  // too early after 1970, too late before: put right below
    while (year_begin(year + 1) <= days) ++year;
    while (year_begin(year) > days) --year;
    return {days - year_begin(year), 366};
  }

  // Reads a text from its beginning; each call takes what it names, or nothing and says false.
  struct Reader {
    std::string_view text;
    std::size_t at = 0;

    char peek(std::size_t ahead = 0) const { return at + ahead < text.size() ? text[at + ahead] : '\0'; }
    void blanks() {
      while (at < text.size() && (text[at] == ' ' || (text[at] >= '\t' && text[at] <= '\r'))) ++at;
    }
    bool ended() {
      blanks();
      return at == text.size();
    }
    bool one_of(std::string_view characters) {
      if (at == text.size() || characters.find(text[at]) == std::string_view::npos) return false;
      ++at;
      return true;
    }
    std::size_t digits() const {
      std::size_t count = 0;
      while (peek(count) >= '0' && peek(count) <= '9') ++count;
      return count;
    }
    bool number(std::size_t count, int& value) {
      if (digits() < count) return false;
      for (value = 0; count > 0; --count) value = 10 * value + (text[at++] - '0');
      return true;
    }
  };

  std::int64_t seconds_of(const std::string& text) const {
    if (const auto whole = whole_seconds(text); whole >= 0) return whole;
    Reader reader{text};
    int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, hours = 0, minutes = 0;
    bool minus = false;
    reader.blanks();
    bool good = reader.number(4, year) && reader.one_of("-") && reader.number(2, month) && reader.one_of("-") &&
                reader.number(2, day);
    const std::size_t after_date = reader.at;
    if (good && reader.one_of("Tt ") && reader.number(2, hour) && reader.one_of(":") && reader.number(2, minute)) {
      const std::size_t after_minute = reader.at;
      if (!(reader.one_of(":") && reader.number(2, second))) {
        reader.at = after_minute;
      } else if ((reader.peek() == '.' || reader.peek() == ',') && reader.peek(1) >= '0' && reader.peek(1) <= '9') {
        ++reader.at;
        reader.at += reader.digits();
      }
      good = zone(reader, hours, minutes, minus);
    } else {
      reader.at = after_date;
      hour = minute = 0;
    }
    good = good && reader.ended() && year >= 1000 && year <= 9998 && month >= 1 && month <= 12 && day >= 1 &&
           day <= month_days(year, month) && hour < 24 && minute < 60 && second <= 60 && hours < 24 && minutes < 60;
    if (!good)
      throw std::invalid_argument(column + " is '" + text.substr(0, 60) +
                                  "', which is no time: an ISO 8601 date such as 2024-05-03 or "
                                  "2024-05-03T14:30:00+02:00, or seconds since 1970 (9 to 11 digits)");
    std::int64_t days = year_begin(year) + day - 1;
    for (int before = 1; before < month; ++before) days += month_days(year, before);
    const std::int64_t offset = (minus ? -60 : 60) * (hours * 60 + minutes);
    return days * kDay + hour * 3600 + minute * 60 + second - (local_ ? 0 : offset);
  }

  // What follows the time of day: nothing, Z, or an offset such as +02:00, +0200 or +00.
  static bool zone(Reader& reader, int& hours, int& minutes, bool& minus) {
    reader.blanks();
    if (reader.one_of("Zz")) return true;
    minus = reader.peek() == '-';
    if (!reader.one_of("+-")) return true;
    if (!reader.number(2, hours)) return false;
    const std::size_t after_hours = reader.at;
    reader.one_of(":");
    if (reader.number(2, minutes)) return true;
    reader.at = after_hours;
    return hours == 0;
  }

  // Seconds of 9 to 11 digits, a fraction left away; -1 where the text is none.
  static std::int64_t whole_seconds(std::string_view text) {
    Reader reader{text};
    reader.blanks();
    const std::size_t count = reader.digits();
    if (count < 9 || count > 11) return -1;
    std::int64_t found = 0;
    for (const char digit : text.substr(reader.at, count)) found = 10 * found + (digit - '0');
    reader.at += count;
    if (reader.one_of(".")) {
      const std::size_t fraction = reader.digits();
      if (!fraction) return -1;
      reader.at += fraction;
    }
    return reader.ended() ? found : -1;
  }

  bool local_;
  std::vector<std::string> cycles_;
};

}  // namespace edgeline
