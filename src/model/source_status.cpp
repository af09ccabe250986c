#include "model/source_status.h"

namespace slipway::model {

Json to_json(const SourceStatus& source) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return Json::Object{
      {"source", source.kind},
      {"where", source.where},
      {"ref", text_or_null(source.ref)},
      {"commit", text_or_null(source.commit)},
      {"polled", text_or_null(source.polled)},
      {"trouble", text_or_null(source.trouble)},
      {"trouble_since", source.trouble_since ? Json(slipway::to_text(*source.trouble_since)) : Json()}};
}

}  // namespace slipway::model
