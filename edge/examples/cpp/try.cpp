// What the headers make of a bundle, for a comparison with the Python package (`edge/tests/test_readers.py`):
//
//   try ids BUNDLE DATA LONG_TEXT MAX_WINDOWS   a text a line of stdin, as the hexadecimal of its bytes, to its ids
//   try records BUNDLE DATA                     a record a line of stdin, as JSON, to tensors or what is wrong with it
//   try answers BUNDLE DATA                     the windows' scores a line of stdin, as JSON, to label and scores
//
// DATA is the folder with the package's tables. What comes of a line is one line of stdout.
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

void print(const edgeline::Bundle::Tensors& window) {
  for (const auto& [name, tensor] : window) {
    std::cout << name;
    std::visit([](const auto& values) { for (const auto value : values) std::cout << ' ' << value; }, tensor);
    std::cout << ';';
  }
}

void answer(const std::string& what, const edgeline::Bundle& bundle, const std::string& line, char** rest) {
  if (what == "ids") {
    std::string text;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2)
      text += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
    for (const auto& row : bundle.tokenizer().encode(text, rest[0], std::stoul(rest[1])))
      for (const auto id : row.token_ids) std::cout << id << ' ';
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
  if (count < 4 || (std::string(arguments[1]) == "ids" && count != 6)) return 2;
  std::cout.precision(9);  // a float32 whole
  try {
    const edgeline::Bundle bundle(edgeline::read_file(arguments[2]), arguments[3]);
    for (std::string line; std::getline(std::cin, line); std::cout << '\n') {
      try {
        answer(arguments[1], bundle, line, arguments + 4);
      } catch (const std::invalid_argument& error) {
        std::cout << "error: " << error.what();
      }
    }
  } catch (const std::runtime_error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
