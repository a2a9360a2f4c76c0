# Defines norma::onnx_proto: the messages of ONNX files, of Debian's libonnx-dev, with protobuf. Used by Norma's own build
# and by its installed package. Where they are not found, the target does not exist and norma_NOT_FOUND_MESSAGE says what
# to install. Debian's ONNXConfig.cmake is not asked: it wants a library that its package does not have.
if(NOT TARGET norma::onnx_proto)
  find_library(NORMA_ONNX_PROTO_LIBRARY NAMES onnx_proto)
  find_path(NORMA_ONNX_INCLUDE_DIR NAMES onnx/onnx-ml.pb.h)
  mark_as_advanced(NORMA_ONNX_PROTO_LIBRARY NORMA_ONNX_INCLUDE_DIR)
  find_package(Protobuf QUIET)
  if(NORMA_ONNX_PROTO_LIBRARY AND NORMA_ONNX_INCLUDE_DIR AND TARGET protobuf::libprotobuf)
    add_library(norma::onnx_proto UNKNOWN IMPORTED GLOBAL)
    set_target_properties(norma::onnx_proto PROPERTIES
      IMPORTED_LOCATION "${NORMA_ONNX_PROTO_LIBRARY}"
      INTERFACE_INCLUDE_DIRECTORIES "${NORMA_ONNX_INCLUDE_DIR}"
      INTERFACE_COMPILE_DEFINITIONS "ONNX_NAMESPACE=onnx;ONNX_ML=1"
      INTERFACE_LINK_LIBRARIES protobuf::libprotobuf)
  else()
    set(norma_FOUND FALSE)
    set(norma_NOT_FOUND_MESSAGE "norma::onnx needs ONNX and protobuf, which were not found. \
On Debian or Ubuntu: apt-get install libonnx-dev libprotobuf-dev")
  endif()
endif()
