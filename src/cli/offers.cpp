#include <algorithm>

#include "cli/completion.h"

namespace slipway::cli {

namespace {

const Command* child_of(const Command& command, const std::string& name) {
  const auto child = std::ranges::find(command.children, name, &Command::name);
  return child == command.children.end() ? nullptr : &*child;
}

const Option* option_of(const std::vector<Option>& options, const std::string& word) {
  const auto option = std::ranges::find_if(options, [&](const Option& candidate) {
    return word == "--" + candidate.name ||
           (candidate.letter != 0 && word == std::string("-") + candidate.letter);
  });
  return option == options.end() ? nullptr : &*option;
}

void offer(Offers& offers, const std::string& typed, const std::string& word, const std::string& help) {
  if (word.starts_with(typed)) offers.words.push_back({word, help});
}

void offer_value(Offers& offers, const std::string& typed, const std::vector<std::string>& choices,
                 Completes completes) {
  for (const std::string& choice : choices) offer(offers, typed, choice, "");
  offers.also = completes;
}

}  // namespace

Offers offers_for(const Command& root, const std::vector<std::string>& words) {
  Offers offers;
  if (words.empty()) return offers;
  const std::string& typed = words.back();
  const Command* command = &root;
  std::vector<Option> options = all_options(root);
  const Option* pending = nullptr;  // an option whose value comes next
  size_t arguments = 0;             // seen of the command
  for (size_t i = 0; i + 1 < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--") return offers;  // another program's words
    if (pending != nullptr) {
      pending = nullptr;
    } else if (word.starts_with('-')) {
      const Option* option = option_of(options, word);
      pending = option != nullptr && option->kind != Kind::Switch ? option : nullptr;
    } else if (const Command* child = child_of(*command, word)) {
      command = child;
      options = all_options(*command);
    } else {
      ++arguments;
    }
  }
  if (pending != nullptr) {
    offer_value(offers, typed, pending->choices, pending->completes);
  } else if (typed.starts_with('-')) {
    for (const Option& option : options) offer(offers, typed, "--" + option.name, option.help);
    offer(offers, typed, "--help", "this text");
  } else if (!command->children.empty()) {
    for (const Command& child : command->children) {
      if (!child.hidden) offer(offers, typed, child.name, child.summary);
    }
  } else if (arguments < command->arguments.size()) {
    offer_value(offers, typed, command->arguments[arguments].choices,
                command->arguments[arguments].completes);
  }
  return offers;
}

}  // namespace slipway::cli
