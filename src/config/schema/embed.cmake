# cmake -DOUTPUT=FILE.cpp -P embed.cmake -- NAME.yaml...: the schema documents as one C++ source, so that the library
# carries what it documents.
set(body "")
set(after_dashes FALSE)
foreach(index RANGE 0 ${CMAKE_ARGC})
  set(argument "${CMAKE_ARGV${index}}")
  if(after_dashes AND argument)
    file(READ ${argument} text)
    get_filename_component(name ${argument} NAME_WE)
    string(APPEND body "    {\"${name}\", R\"SCHEMA(${text})SCHEMA\"},\n")
  elseif(argument STREQUAL "--")
    set(after_dashes TRUE)
  endif()
endforeach()
file(WRITE ${OUTPUT} "// Made from src/config/schema/*.yaml by embed.cmake.
#include \"config/schema_text.h\"

namespace slipway::config {

const std::vector<SchemaText>& schema_texts() {
  static const std::vector<SchemaText> texts = {
${body}  };
  return texts;
}

}  // namespace slipway::config
")
