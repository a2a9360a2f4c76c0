# Compile flags. They stay inside this build: none reaches a program that uses Norma.

# norma_flags(target): the warnings every target of Norma is held to, and the options of the build.
function(norma_flags target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion
    $<$<BOOL:${NORMA_WERROR}>:-Werror> $<$<BOOL:${NORMA_NATIVE}>:-march=native>)
  # GCC 12 sees impossible overlaps and sizes in std::string concatenation (its bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-stringop-overflow)
  endif()
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
endfunction()

# For the whole build, since every part of a program must agree on it.
if(NORMA_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  add_compile_definitions(NORMA_SANITIZE)
endif()
