// An Edgeline bundle in C++17 with the standard library alone: records in, what the model takes out; what the model
// gives in, the answer out.
//
// Running the model is LiteRT's part (see docs/edge.md). `edge/tests/test_readers.py` compares all of it with the
// Python package.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

#include "edgeline/answer.hpp"
#include "edgeline/archive.hpp"
#include "edgeline/inputs/kinds.hpp"
#include "edgeline/json.hpp"
#include "edgeline/normalization.hpp"
#include "edgeline/tokenizer.hpp"
#include "edgeline/unigram.hpp"
#include "edgeline/wordpiece.hpp"

namespace edgeline {

class Bundle {
 public:
  using Tensors = edgeline::Tensors;

  // `content` is the whole file, `tables` the folder with the Python package's tables of normalisation, `data/`. Throws
  // std::runtime_error where the bundle is none that these headers can read.
  Bundle(std::string_view content, const std::string& tables)
      : files_(attached_files(content)),
        manifest_(Json::parse(member(files_, "manifest.json"))),
        table_(manifest_["inputs"].is_null() ? decltype(table_){} : table_of(manifest_["inputs"].array())),
        text_(text_of(manifest_)),
        tokenizer_(text_.is_null() ? nullptr : tokenizer_of(text_, files_, tables)),
        target_(manifest_, labels_of(files_)) {}

  Bundle(const Bundle&) = delete;  // parts of it point into it
  Bundle& operator=(const Bundle&) = delete;

  const Json& manifest() const { return manifest_; }
  // Names of the answers, in the order of the model's output; none where answers are no names.
  const std::vector<std::string>& labels() const { return target_.labels(); }
  const Target& target() const { return target_; }
  // Throws std::runtime_error where the model reads no text.
  const Tokenizer& tokenizer() const {
    if (!tokenizer_) throw std::runtime_error("the model reads no text");
    return *tokenizer_;
  }

  // The fields of a record; the text's, which has no name in format 1, is `text` there.
  std::vector<std::string> columns() const {
    if (manifest_["inputs"].is_null()) return {"text"};
    std::vector<std::string> names;
    for (const auto& section : manifest_["inputs"].array()) names.push_back(section["column"].string());
    return names;
  }

  // What the model takes for a record, such as `{{"text", "good film"}, {"price", 3.5}}`: once, or once a window of a
  // long text. A field that is missing is one that the record has not. Throws std::invalid_argument with its name.
  std::vector<Tensors> encode(const Record& record) const {
    const auto known = columns();
    for (const auto& field : record)
      if (std::find(known.begin(), known.end(), field.first) == known.end())
        throw std::invalid_argument("the model reads no field " + field.first);
    Tensors others;
    for (const auto& part : table_) {
      const auto value = record.find(part->column);
      others.merge(part->encode(value == record.end() ? Field{} : value->second));
    }
    if (!tokenizer_) return {others};
    const Json &long_text = text_["long_text"], &most = text_["max_windows"];
    std::vector<Tensors> windows;
    for (auto& row : tokenizer_->encode(text_in(record), long_text.is_null() ? "head" : long_text.string(),
                                        most.is_null() ? SIZE_MAX : static_cast<std::size_t>(most.number()))) {
      windows.push_back(others);
      windows.back()["token_ids"] = std::move(row.token_ids);
      windows.back()["padding_mask"] = std::move(row.padding_mask);
    }
    return windows;
  }

  // The answer for a record, from what the model gave to each of its windows.
  Answer answer(const std::vector<std::vector<float>>& windows) const {
    return target_.answer(windows);
  }

 private:
  // What is said of the text: in format 1 by the manifest itself, in format 2 by one of its inputs; null for none.
  static const Json& text_of(const Json& manifest) {
    if (manifest["inputs"].is_null()) return manifest;
    const Json* text = nullptr;
    for (const auto& section : manifest["inputs"].array()) {
      if (section["kind"].string() != "text") continue;
      if (text) throw std::runtime_error("the bundle has several inputs of kind text, these headers read one at most");
      text = &section;
    }
    return text ? *text : manifest["text"];  // no manifest has such a field
  }

  // The text of a record, empty where it lacks one that is optional.
  std::string text_in(const Record& record) const {
    const std::string column = text_["column"].is_null() ? "text" : text_["column"].string();
    const auto found = record.find(column);
    const auto* text = found == record.end() ? nullptr : std::get_if<std::string>(&found->second);
    const bool is_none = found == record.end() || std::holds_alternative<std::monostate>(found->second);
    const bool may_lack = !table_.empty() && text_["optional"].is_true();
    if (!(text || is_none) || ((is_none || text->empty()) && !may_lack))
      throw std::invalid_argument(column + " must be a string that is not empty");
    return text ? *text : "";
  }

  using Files = std::unordered_map<std::string, std::string>;

  static const std::string& member(const Files& files, const std::string& name) {
    const auto found = files.find(name);
    if (found == files.end()) throw std::runtime_error("the bundle lacks " + name);
    return found->second;
  }

  static std::vector<std::string> labels_of(const Files& files) {
    auto labels = split(member(files, "labels.txt"), '\n');
    labels.pop_back();  // every line ends with a line feed
    return labels;
  }

  static std::unique_ptr<Tokenizer> tokenizer_of(const Json& text, const Files& files, const std::string& tables) {
    const auto length = static_cast<std::size_t>(text["sequence_length"].number());
    const Json& spec = text["tokenizer"];
    if (spec.is_null())
      return std::make_unique<WordPiece>(member(files, "vocab.txt"), length,
                                         normalization(text, tables, "bert-uncased", "normalization-1.txt"));
    const std::map<std::string, double> known = {{"first", 0}, {"pad", 1}, {"last", 2}, {"unk", 3}};
    for (const auto& [name, id] : known)
      if (spec["kind"].string() != "unigram" || spec[name].number() != id)
        throw std::runtime_error("the bundle asks for a tokenizer " + spec["kind"].string() +
                                 ", these headers know WordPiece, and unigram with <s> <pad> </s> <unk> first");
    return std::make_unique<Unigram>(member(files, "pieces.tsv"), length,
                                     normalization(text, tables, "nmt-nfkc", "normalization-nmt-nfkc-1.txt"));
  }

  static Normalization normalization(const Json& text, const std::string& tables, const std::string& name,
                                     const std::string& file) {
    const Json& said = text["normalization"];
    if (said["name"].string() != name || said["version"].number() != 1)
      throw std::runtime_error("the bundle normalises text by " + said["name"].string() +
                               ", these headers know version 1 of " + name + " for its tokenizer");
    return Normalization(read_file(tables + "/" + file));
  }

  Files files_;
  Json manifest_;
  std::vector<std::unique_ptr<TableInput>> table_;
  const Json& text_;
  std::unique_ptr<Tokenizer> tokenizer_;
  Target target_;
};

}  // namespace edgeline
