// Finding the operation that the first NaN or infinity came from.
#pragma once

namespace norma {

/// What counts as an anomaly. With `check_inf = false`, masks of -inf pass; with both false,
/// nothing is checked, but errors raised in backward still name their module.
struct AnomalyOptions {
  bool check_nan = true;  ///< NaN is a finding
  bool check_inf = true;  ///< so is an infinity
};

/// Whether anomalies are looked for on this thread.
bool is_anomaly_enabled();

/// Switches that on or off.
void set_detect_anomaly(bool mode, const AnomalyOptions& options = {});

/// While it lives, the first operation on this thread whose result or gradient is not finite raises
/// an Error: PyTorch's `torch.autograd.detect_anomaly`, which looks for NaN in backward only.
/// ```cpp
/// norma::DetectAnomalyGuard guard;
/// criterion(net(x), y).backward();
/// // [log] expected a finite result (detect_anomaly), got 1 of 6 values not finite in shape
/// // [3, 2], the first -inf at [0, 1]; what it was given was finite (in head, a Head)
/// ```
/// - Forward: every recorded operation, before its result is returned; an in-place operation before
///   it changes anything. Where nothing is recorded (under NoGradGuard, or because nothing
///   requires a gradient), the results of modules. The error tells whether what the operation was
///   given was finite, and if not, names the parameter, buffer or leaf.
/// - Backward: every gradient that a recorded operation gives, and their sums. The module is the
///   one whose forward recorded the operation while the mode was on.
/// - Every check reads a whole tensor: for looking into a failure, not for training. Integers, what
///   optimisers do, and values inside an operation are not checked.
class DetectAnomalyGuard {
 public:
  [[nodiscard("give the guard a name: without one it ends at once")]] explicit DetectAnomalyGuard(
      const AnomalyOptions& options = {});
  ~DetectAnomalyGuard();
  DetectAnomalyGuard(const DetectAnomalyGuard&) = delete;
  DetectAnomalyGuard& operator=(const DetectAnomalyGuard&) = delete;

 private:
  bool mode_before_;
  AnomalyOptions options_before_;
};

}  // namespace norma
