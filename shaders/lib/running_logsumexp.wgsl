// What a scan carries along: log-sums of exponentials so far, as the largest and the sum over it.
// @import lib/online_logsumexp
alias Running = vec2f;

// An element that changes nothing: it stands for -infinity.
const NOTHING: f32 = -3.0e38;

fn running_of(x: f32) -> Running { return vec2f(x, 1.0); }

fn running_merge(before: Running, after: Running) -> Running { return lse_merge(before, after); }

fn running_value(state: Running) -> f32 { return lse_finish(state); }
