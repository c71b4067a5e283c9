// What the headers make of a bundle, for a comparison with the Python package (`edge/tests/test_readers.py`):
//
//   try ids BUNDLE DATA LONG_TEXT MAX_WINDOWS   a text a line of stdin, as the hexadecimal of its bytes, to its ids
//   try times BUNDLE DATA ROUNDS                the same; stderr tells the microseconds a text of the best round
//   try records BUNDLE DATA                     a record a line of stdin, as JSON, to tensors or what is wrong with it
//   try answers BUNDLE DATA                     the windows' outputs a line of stdin, as JSON, to label and scores, to
//                                               labels and scores, or to number, low and high
//
// DATA is the folder with the package's tables. What comes of a line is one line of stdout. JSON has neither pictures
// nor all numbers: `{"height": 2, "width": 1, "channels": 3, "pixels": hexadecimal}` is a picture, `{"pnm":
// hexadecimal}` one of a PPM or PGM, `{"float": "Infinity"}` a number.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <iostream>

#include "edgeline.hpp"

namespace {

std::string bytes_of(const std::string& line) {
  std::string text;
  for (std::size_t i = 0; i + 1 < line.size(); i += 2)
    text += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
  return text;
}

void add_readings(const edgeline::Json& value, edgeline::Readings& readings) {
  if (value.is_null())
    readings.push_back(std::nan(""));
  else if (value.is_number())
    readings.push_back(value.number());
  else if (value.is_object())
    readings.push_back(std::stod(value["float"].string()));
  else
    for (const auto& item : value.array()) add_readings(item, readings);
}

edgeline::Field field_of(const edgeline::Json& value) {
  if (value.is_null()) return {};
  if (value.is_number()) return value.number();
  if (value.is_string()) return value.string();
  if (value.is_object() && !value["float"].is_null()) return std::stod(value["float"].string());
  if (value.is_object() && !value["pnm"].is_null()) return edgeline::picture_of_pnm(bytes_of(value["pnm"].string()));
  if (value.is_object()) {
    const auto size = [&](const char* name) { return static_cast<std::size_t>(value[name].number()); };
    const std::string bytes = bytes_of(value["pixels"].string());
    return edgeline::Picture{size("height"), size("width"), size("channels"), {bytes.begin(), bytes.end()}};
  }
  edgeline::Readings readings;
  add_readings(value, readings);
  return readings;
}

edgeline::Record record_of(const edgeline::Json& line) {
  edgeline::Record record;
  for (const auto& [name, value] : line.object()) record[name] = field_of(value);
  return record;
}

void print_ids(const std::vector<edgeline::Tokenizer::Row>& rows) {
  for (const auto& row : rows)
    for (const auto id : row.token_ids) std::cout << id << ' ';
}

void time_all(const edgeline::Bundle& bundle, int rounds) {
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) texts.push_back(bytes_of(line));
  double best = 1e300;
  for (int round = 0; round < rounds; ++round) {
    const auto started = std::clock();
    std::size_t used = 0;
    for (const auto& text : texts) used += bundle.tokenizer().encode(text).size();
    best = std::min(best, 1e6 * static_cast<double>(std::clock() - started) / CLOCKS_PER_SEC / used);
  }
  for (const auto& text : texts) {
    print_ids(bundle.tokenizer().encode(text));
    std::cout << '\n';
  }
  std::cerr << best << '\n';
}

void print(const edgeline::Bundle::Tensors& window) {
  for (const auto& [name, tensor] : window) {
    std::cout << name;
    std::visit([](const auto& values) { for (const auto value : values) std::cout << ' ' << +value; }, tensor);
    std::cout << ';';
  }
}

void answer(const std::string& what, const edgeline::Bundle& bundle, const std::string& line, char** rest) {
  if (what == "ids") {
    print_ids(bundle.tokenizer().encode(bytes_of(line), rest[0], std::stoul(rest[1])));
  } else if (what == "records") {
    for (const auto& window : bundle.encode(record_of(edgeline::Json::parse(line)))) print(window);
  } else {
    std::vector<std::vector<float>> windows;
    const auto given = edgeline::Json::parse(line);
    for (const auto& window : given.array()) {
      windows.emplace_back();
      for (const auto& score : window.array()) windows.back().push_back(static_cast<float>(score.number()));
    }
    const auto found = bundle.answer(windows);
    const std::string& kind = bundle.target().kind();
    if (kind == "number") {
      std::cout << found.number;
      for (const auto& end : {found.low, found.high})
        if (end) std::cout << ' ' << *end;
      return;
    }
    std::cout << found.label;
    for (const auto& label : found.labels) std::cout << label << ',';
    for (const auto score : found.scores) std::cout << ' ' << score;
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string what = count > 1 ? arguments[1] : "";
  if (count != (what == "ids" ? 6 : what == "times" ? 5 : 4)) return 2;
  std::cout.precision(9);  // a float32 whole
  try {
    const edgeline::Bundle bundle(edgeline::read_file(arguments[2]), arguments[3]);
    if (what == "times") time_all(bundle, std::stoi(arguments[4]));
    for (std::string line; std::getline(std::cin, line); std::cout << '\n') {
      try {
        answer(what, bundle, line, arguments + 4);
      } catch (const std::invalid_argument& error) {
        std::cout << "error: " << error.what();
      }
    }
  } catch (const std::runtime_error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
