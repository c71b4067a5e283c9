// What the headers make of a bundle, for a comparison with the Python package (`edge/tests/test_readers.py`):
//
//   try ids BUNDLE DATA LONG_TEXT MAX_WINDOWS   a text a line of stdin, as the hexadecimal of its bytes, to its ids
//   try times BUNDLE DATA ROUNDS                the same; stderr tells the microseconds a text of the best round
//   try records BUNDLE DATA                     a record a line of stdin, as JSON, to tensors or what is wrong with it
//   try answers BUNDLE DATA                     the windows' scores a line of stdin, as JSON, to label and scores
//
// DATA is the folder with the package's tables. What comes of a line is one line of stdout.
#include <algorithm>
#include <ctime>
#include <iostream>

#include "edgeline.hpp"

namespace {

edgeline::Record record_of(const edgeline::Json& line) {
  edgeline::Record record;
  for (const auto& [name, value] : line.object())
    record[name] = value.is_null()     ? edgeline::Field{}
                   : value.is_number() ? edgeline::Field{value.number()}
                                       : edgeline::Field{value.string()};
  return record;
}

std::string text_of(const std::string& line) {
  std::string text;
  for (std::size_t i = 0; i + 1 < line.size(); i += 2)
    text += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
  return text;
}

void print_ids(const std::vector<edgeline::Tokenizer::Row>& rows) {
  for (const auto& row : rows)
    for (const auto id : row.token_ids) std::cout << id << ' ';
}

void time_all(const edgeline::Bundle& bundle, int rounds) {
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) texts.push_back(text_of(line));
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
    std::visit([](const auto& values) { for (const auto value : values) std::cout << ' ' << value; }, tensor);
    std::cout << ';';
  }
}

void answer(const std::string& what, const edgeline::Bundle& bundle, const std::string& line, char** rest) {
  if (what == "ids") {
    print_ids(bundle.tokenizer().encode(text_of(line), rest[0], std::stoul(rest[1])));
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
    std::cout << found.label;
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
