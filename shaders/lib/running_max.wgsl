// What a fold carries along: the largest so far.
alias Running = f32;

// An element that changes nothing: it stands for -infinity.
const NOTHING: f32 = -3.0e38;

fn running_of(x: f32) -> Running { return x; }

fn running_merge(before: Running, after: Running) -> Running { return max(before, after); }

fn running_value(state: Running) -> f32 { return state; }
