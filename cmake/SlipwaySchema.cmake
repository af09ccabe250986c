# slipway_schema(LIBRARY FOLDER): compiles FOLDER/*.yaml into LIBRARY as text.
function(slipway_schema library folder)
  file(GLOB documents CONFIGURE_DEPENDS ${folder}/*.yaml)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${library}_schema.cpp)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DOUTPUT=${output} -P ${folder}/embed.cmake -- ${documents}
    DEPENDS ${documents} ${folder}/embed.cmake
    COMMENT "Embedding ${folder}"
    VERBATIM)
  target_sources(${library} PRIVATE ${output})
endfunction()
