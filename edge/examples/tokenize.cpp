// Prints the ids of texts: `tokenize model.tflite normalization-1.txt LENGTH`, one text per line of stdin, as the
// hexadecimal of its bytes.
#include <iostream>

#include "edgeline.hpp"

int main(int count, char** arguments) {
  if (count != 4) return 2;
  const auto files = edgeline::attached_files(edgeline::read_file(arguments[1]));
  const edgeline::Normalization normalization(edgeline::read_file(arguments[2]));
  const edgeline::Tokenizer tokenizer(files.at("vocab.txt"), std::stoul(arguments[3]), normalization);
  for (std::string line; std::getline(std::cin, line);) {
    std::string text;
    for (std::size_t i = 0; i + 1 < line.size(); i += 2)
      text += static_cast<char>(std::stoi(line.substr(i, 2), nullptr, 16));
    for (const auto id : tokenizer.encode(text).token_ids) std::cout << id << ' ';
    std::cout << '\n';
  }
}
