# Compile flags. They stay inside this build: none reaches a program that uses Norma.

# norma_own_settings(target): a project around Norma sets these for its own sources; Norma's are not written for them.
function(norma_own_settings target)
  set_target_properties(${target} PROPERTIES
    UNITY_BUILD OFF  # each source has helpers of its own, some of the same names
    CXX_VISIBILITY_PRESET default
    VISIBILITY_INLINES_HIDDEN OFF
    AUTOMOC OFF AUTORCC OFF AUTOUIC OFF
    CXX_SCAN_FOR_MODULES OFF
    CXX_EXTENSIONS OFF)
  # The same in CMAKE_CXX_FLAGS: what comes later counts.
  target_compile_options(${target} PRIVATE
    -fexceptions -frtti -fthreadsafe-statics -fvisibility=default -fno-visibility-inlines-hidden
    # NaN, infinities and the order of sums are as written, under -ffast-math and -Ofast, too.
    -fno-fast-math $<$<CXX_COMPILER_ID:GNU>:-fno-unsafe-math-optimizations> -fno-associative-math
    -fno-reciprocal-math -fno-finite-math-only -fsigned-zeros -fno-rounding-math)
  if(NOT PROJECT_IS_TOP_LEVEL)
    set_target_properties(${target} PROPERTIES
      COMPILE_WARNING_AS_ERROR OFF
      CXX_CLANG_TIDY "" CXX_CPPCHECK "" CXX_CPPLINT "" CXX_INCLUDE_WHAT_YOU_USE "" LINK_WHAT_YOU_USE OFF)
    # No warning, since -Wno-error does not take back a -Werror=sign-conversion or -pedantic-errors of the project.
    target_compile_options(${target} PRIVATE -w
      $<IF:$<CXX_COMPILER_ID:GNU>,-ffp-contract=fast;-fno-single-precision-constant,-ffp-contract=on>)
  endif()
endfunction()

set(norma_x86 "^(x86_64|AMD64|amd64)$")

# norma_flags(target): the warnings every target of Norma is held to, and the options of the build.
function(norma_flags target)
  norma_own_settings(${target})
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wshadow -Wconversion
    $<$<BOOL:${NORMA_WERROR}>:-Werror> $<$<BOOL:${NORMA_NATIVE}>:-march=native>)
  if(EMSCRIPTEN)  # what counts the bytes of a memory of 32 bits is narrower than sizes there
    target_compile_options(${target} PRIVATE -Wno-shorten-64-to-32)
  endif()
  # Where every processor has fused multiply-add, compilers would put it into the baseline, too, whose bits are those of
  # deterministic algorithms, and into the plain kernels. Fast ones ask for it by name instead: Vector::add_product.
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "${norma_x86}")
    target_compile_options(${target} PRIVATE -ffp-contract=off)
  endif()
  # GCC 12 sees impossible overlaps and sizes in std::string concatenation (its bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    target_compile_options(${target} PRIVATE -Wno-restrict -Wno-stringop-overflow)
  endif()
endfunction()

# For the whole build, since every part of a program must agree on it.
if(NORMA_SANITIZE)
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
  add_compile_definitions(NORMA_SANITIZE _GLIBCXX_ASSERTIONS)
endif()
if(NORMA_SANITIZE_THREADS)
  add_compile_options(-fsanitize=thread -fno-omit-frame-pointer)
  add_link_options(-fsanitize=thread)
  add_compile_definitions(NORMA_SANITIZE_THREADS)
endif()
