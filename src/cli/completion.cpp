#include "cli/completion.h"

#include "cli/commands.h"
#include "cli/context.h"

namespace slipway::cli {

namespace {

// `slipway internal complete` answers one offer a line, "word<TAB>help"; a first line ":files" or ":dirs"
// leaves the word to the shell.
// clang-format off: it takes the shell's lines for ours.
constexpr std::string_view kBash = R"sh(# slipway completion for bash: eval "$(slipway completion bash)"
_slipway() {
  local current="${COMP_WORDS[COMP_CWORD]}" offers
  offers="$(slipway internal complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)"
  case "$offers" in
    :files*) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
    :dirs*) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
    *) mapfile -t COMPREPLY < <(compgen -W "$(cut -f1 <<<"$offers")" -- "$current") ;;
  esac
}
complete -F _slipway slipway
)sh";

constexpr std::string_view kZsh = R"sh(#compdef slipway
# slipway completion for zsh: source <(slipway completion zsh)
_slipway() {
  local -a offers
  local line
  local answer="$(slipway internal complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)"
  case "$answer" in
    :files*) _files; return ;;
    :dirs*) _files -/; return ;;
  esac
  for line in "${(@f)answer}"; do
    [[ -n "$line" ]] && offers+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
  done
  _describe slipway offers
}
compdef _slipway slipway
)sh";

constexpr std::string_view kFish = R"sh(# slipway completion for fish: slipway completion fish | source
function __slipway_complete
  set -l words (commandline -opc) (commandline -ct)
  set -l offers (slipway internal complete -- $words[2..-1] 2>/dev/null)
  switch "$offers[1]"
    case ':files'
      __fish_complete_path (commandline -ct)
    case ':dirs'
      __fish_complete_directories (commandline -ct)
    case '*'
      printf '%s\n' $offers
  end
end
complete -c slipway -f -a '(__slipway_complete)'
)sh";
// clang-format on

Result<int> run(Context& context) {
  context.out.result(completion_script(context.args.text("SHELL")));
  return 0;
}

}  // namespace

std::string completion_script(const std::string& shell) {
  if (shell == "zsh") return std::string(kZsh);
  return std::string(shell == "fish" ? kFish : kBash);
}

Command completion_command() {
  return {
      .name = "completion",
      .summary = "the script that makes a shell complete slipway's commands, services and tasks",
      .arguments = {{.name = "SHELL",
                     .help = "bash, zsh or fish",
                     .kind = Kind::Choice,
                     .choices = {"bash", "zsh", "fish"}}},
      .examples = {{"eval \"$(slipway completion bash)\"", "for this shell"},
                   {"slipway completion fish > ~/.config/fish/completions/slipway.fish", "for every fish"}},
      .run = run};
}

}  // namespace slipway::cli
