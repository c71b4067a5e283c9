// Prints the ids of texts: `tokenize model.tflite normalization-1.txt LENGTH LONG_TEXT MAX_WINDOWS`, one text per line
// of stdin, as the hexadecimal of its bytes; the rows of its windows follow each other in one line.
#include <iostream>

#include "edgeline.hpp"

int main(int count, char** arguments) {
  if (count != 6) return 2;
  const auto files = edgeline::attached_files(edgeline::read_file(arguments[1]));
  const edgeline::Normalization normalization(edgeline::read_file(arguments[2]));
  const edgeline::Tokenizer tokenizer(files.at("vocab.txt"), std::stoul(arguments[3]), normalization);
  for (std::string line; std::getline(std::cin, line);) {
    std::string text;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2)
      text += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
    for (const auto& row : tokenizer.encode(text, arguments[4], std::stoul(arguments[5])))
      for (const auto id : row.token_ids) std::cout << id << ' ';
    std::cout << '\n';
  }
}
