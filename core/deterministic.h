// The same bits on every processor.
#pragma once

namespace norma {

/// After `use_deterministic_algorithms(true)`, the same program gives the same bits on every
/// x86-64, arm64 and s390x processor, whatever vectors it has, with every OpenBLAS or none and on
/// any number of threads:
///
///     int main() {
///       norma::use_deterministic_algorithms(true);
///       norma::manual_seed(0);
///       …
///
/// Loops run on vectors of 128 bits, without fused multiply-add; products of matrices on Norma's
/// own tiles; exp, log and their kin are Norma's own. It costs speed: docs/reproducibility.md. The
/// environment variable NORMA_SIMD=deterministic asks for the same. `false` goes back to what the
/// processor and NORMA_SIMD allow.
///
/// A program's own arithmetic is its compiler's: outside x86-64 give that -ffp-contract=off. Call
/// this before other threads compute. Throws where the library itself was compiled for one
/// processor (-march=native) or with -ffast-math.
void use_deterministic_algorithms(bool mode);
/// Whether they are on.
bool are_deterministic_algorithms_enabled();

}  // namespace norma
